import { useSyncExternalStore } from "react";
import { forgetAll } from "./forgetting";

/** Whose this browser is: undefined while that is not known, null once the last has left, empty where no key is needed. */
export type Owner = string | null | undefined;

let owner: Owner;
const watchers = new Set<() => void>();

/** Tells whose this browser is from now on. What this tab held for another is let go; true where it was another's. */
export function setOwner(next: string | null): boolean {
  if (next === owner) return false;
  const isAnother = owner !== undefined;
  owner = next;
  if (isAnother) forgetAll();
  for (const watcher of watchers) watcher();
  return isAnother;
}

/** Whose this browser is. */
export function useOwner(): Owner {
  return useSyncExternalStore(watch, () => owner);
}

/** The name under which something is kept for the owner alone. Where no key is needed it is the name itself. */
export function owned(name: string): string {
  return owner ? `${name}@${owner}` : name;
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}
