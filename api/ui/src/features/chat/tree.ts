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

/** Of each place in the tree the ids of the turns that stand in it on their branches, oldest first; see placeOf. */
export function places(turns: readonly Turn[]): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const turn of turns) {
    const there = found.get(placeOf(turn));
    if (there) there.push(turn.id);
    else found.set(placeOf(turn), [turn.id]);
  }
  return found;
}

/** The name of a turn's place: those of its branches share it. */
export function placeOf(turn: Turn): string {
  return `${turn.role} ${turn.parent ?? ""}`;
}

/** The answers that stand side by side at the end of what is shown: of each of these models its last one there.
 *  Empty where there are not at least two. */
export function sideBySide(conversation: Conversation, models: readonly string[]): Turn[] {
  const end = conversation.turns.find((turn) => turn.id === conversation.leaf);
  if (models.length < 2 || end?.role !== "assistant") return [];
  const there = conversation.turns.filter((turn) => placeOf(turn) === placeOf(end));
  const found = models.flatMap((model) => there.findLast((turn) => turn.model === model) ?? []);
  return found.length > 1 && found.some((turn) => turn.id === end.id) ? found : [];
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

/** With what another tab has kept of it meanwhile: turns that it does not have, and a later title. Pure. */
export function united(kept: Conversation | undefined, ours: Conversation): Conversation {
  if (!kept) return ours;
  const own = new Map(ours.turns.map((turn) => [turn.id, turn]));
  const others = new Set(kept.turns.map((turn) => turn.id));
  const newer = (turn: Turn, our: Turn | undefined) => (our && (our.end || !turn.end) ? our : turn);
  const both = kept.turns.map((turn) => newer(turn, own.get(turn.id)));
  const { title, named } = (kept.named ?? 0) > ours.named ? kept : ours;
  return { ...ours, title, named, turns: [...both, ...ours.turns.filter((turn) => !others.has(turn.id))] };
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
