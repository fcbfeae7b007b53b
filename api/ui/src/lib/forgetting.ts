const all = new Set<() => void>();

/** Has something forgotten when a session is ended: what one key's owner made is not for the next. */
export function forgetAtEnd(forget: () => void): void {
  all.add(forget);
}

/** Forgets what this tab has kept of a session. What the browser keeps for longer stays. */
export function forgetAll(): void {
  for (const forget of all) forget();
  try {
    sessionStorage.clear();
  } catch {
    // A browser that keeps nothing.
  }
}
