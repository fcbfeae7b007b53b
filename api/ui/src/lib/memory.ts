import { owned } from "./owner";

const PREFIX = "headrace.";

/** What this browser was told to remember under a name; null where nothing was, or nothing may be kept. */
export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/** Remembers a choice of this browser's user. Never a key: those are kept by the session's cookie alone. */
export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // A browser that keeps nothing: the choice holds for this page.
  }
}

/** What this browser keeps for its present owner under a name, now and later; see `owned`. */
export function ownMemory(name: string) {
  const own = owned(name);
  return { read: () => remembered(own), keep: (value: string) => remember(own, value) };
}
