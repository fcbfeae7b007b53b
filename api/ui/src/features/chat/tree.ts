import type { Conversation, Turn } from "./conversation";

const LONGEST_TITLE = 60;

/** The turns from the first to this one. */
export function pathTo(turns: readonly Turn[], leaf: string | null): Turn[] {
  const byId = new Map(turns.map((turn) => [turn.id, turn]));
  const path: Turn[] = [];
  for (let turn = byId.get(leaf ?? ""); turn && path.length < turns.length; turn = byId.get(turn.parent ?? ""))
    path.push(turn);
  return path.reverse();
}

/** The ids of a turn and of those that stand in its place on other branches, oldest first. */
export function branches(turns: readonly Turn[], turn: Turn): string[] {
  return turns.filter((one) => one.parent === turn.parent && one.role === turn.role).map((one) => one.id);
}

/** The last turn of the newest branch below this turn. */
export function newestBelow(turns: readonly Turn[], id: string): string {
  let found = id;
  for (let step = 0; step < turns.length; step += 1) {
    const child = turns.findLast((turn) => turn.parent === found);
    if (!child) break;
    found = child.id;
  }
  return found;
}

/** With one more turn, which is shown. The first words that were said become the title. */
export function withTurn(conversation: Conversation, turn: Turn, at: number): Conversation {
  const title = conversation.title || titleOf(turn.text);
  return { ...conversation, title, at, turns: [...conversation.turns, turn], leaf: turn.id };
}

/** With a turn in the place of the one that has its id. */
export function withChanged(conversation: Conversation, turn: Turn): Conversation {
  return { ...conversation, turns: conversation.turns.map((one) => (one.id === turn.id ? turn : one)) };
}

/** With the branch shown that this turn is on. */
export function showing(conversation: Conversation, id: string): Conversation {
  return { ...conversation, leaf: newestBelow(conversation.turns, id) };
}

/** The first line of a text, cut where it is long. */
export function titleOf(text: string): string {
  const line = text.trim().split("\n")[0] ?? "";
  const signs = [...line];
  return signs.length > LONGEST_TITLE ? `${signs.slice(0, LONGEST_TITLE - 1).join("")}…` : line;
}
