import { queryOptions } from "@tanstack/react-query";
import { queryClient } from "../../api/queries";
import { forgetAtEnd } from "../../lib/forgetting";
import { newId } from "../../lib/ids";
import { together } from "./archive";
import { type Conversation, NO_SETTINGS, whole } from "./conversation";
import { type History, ownHistory } from "./history";
import { Talk } from "./talk";

const open = new Map<string, Talk>();
const forgotten = new Set<string>();
let blank: Talk | null = null;

/** All conversations as they are now: those that are kept, and those that are open. A browser may keep none. */
export async function all(): Promise<Conversation[]> {
  const found = await ownHistory()
    .all()
    .catch(() => []);
  return together(
    found,
    [...open.values()].map((talk) => talk.now().conversation),
  );
}

/** The list of all, which needs no network. */
export const kept = queryOptions({ queryKey: ["conversations"], queryFn: all, retry: false });

forgetAtEnd(() => {
  for (const talk of open.values()) talk.stop();
  open.clear();
  blank = null;
});

/** Keeps a conversation. While it grows, the list of all is not read anew. */
async function keep(history: History, conversation: Conversation, isGrowing: boolean): Promise<void> {
  if (forgotten.has(conversation.id)) return; // it was deleted while it was written
  try {
    await history.keep(conversation);
  } finally {
    if (!isGrowing) await queryClient.invalidateQueries({ queryKey: kept.queryKey });
  }
}

function opened(conversation: Conversation): Talk {
  const history = ownHistory();
  const talk = new Talk(conversation, (changed, isGrowing) => keep(history, changed, isGrowing));
  open.set(conversation.id, talk);
  return talk;
}

/** A talk in which nothing has been said. */
export function blankTalk(): Talk {
  if (!blank || blank.now().conversation.turns.length > 0)
    blank = opened({ id: newId(), title: "", named: 0, at: 0, settings: NO_SETTINGS, turns: [], leaf: null });
  return blank;
}

/** The talk that is open under an id. */
export function openTalk(id: string): Talk | undefined {
  return open.get(id);
}

/** The talk with an id, of those that are kept; null where there is none. */
export async function keptTalk(id: string): Promise<Talk | null> {
  const found = await ownHistory().one(id);
  return open.get(id) ?? (found ? opened(whole(found)) : null);
}

/** Gives a conversation another title. */
export async function rename(id: string, title: string): Promise<void> {
  (openTalk(id) ?? (await keptTalk(id)))?.rename(title);
}

/** Deletes a conversation, and stops what is written in it. */
export async function forget(id: string): Promise<void> {
  forgotten.add(id);
  open.get(id)?.stop();
  open.delete(id);
  await ownHistory()
    .forget(id)
    .catch(() => undefined); // what is still kept is listed as before
  await queryClient.invalidateQueries({ queryKey: kept.queryKey });
}

/** Keeps the conversations of a file, in the place of those with their ids. */
export async function bring(conversations: readonly Conversation[]): Promise<void> {
  for (const conversation of conversations) {
    forgotten.delete(conversation.id);
    open.get(conversation.id)?.stop();
    open.delete(conversation.id);
    await ownHistory().replace(conversation);
  }
  await queryClient.invalidateQueries({ queryKey: kept.queryKey });
}
