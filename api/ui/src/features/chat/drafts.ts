import { forgetAtEnd } from "../../lib/forgetting";
import { owned } from "../../lib/owner";
import type { Said } from "./talk";

const PREFIX = "headrace.draft.";
const NOTHING: Said = { text: "", pictures: [], sounds: [] };

/** What was attached, which is too much for what a tab may keep. */
const attached = new Map<string, Said>();
forgetAtEnd(() => attached.clear());

/** What was typed in a conversation and not sent. It outlives the page that showed it, its text a reload too. */
export function draftOf(id: string): Said {
  try {
    return { ...NOTHING, ...attached.get(id), text: sessionStorage.getItem(PREFIX + owned(id)) ?? "" };
  } catch {
    return attached.get(id) ?? NOTHING;
  }
}

/** Keeps what is typed, for this tab alone. */
export function keepDraft(id: string, said: Said): void {
  attached.set(id, said);
  try {
    if (said.text) sessionStorage.setItem(PREFIX + owned(id), said.text);
    else sessionStorage.removeItem(PREFIX + owned(id));
  } catch {
    // A browser that keeps nothing: it lasts as long as this page.
  }
}
