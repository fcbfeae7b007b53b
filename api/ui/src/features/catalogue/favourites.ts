import { useSyncExternalStore } from "react";
import { remember, remembered } from "../../lib/memory";

const NAME = "favourites";
const listeners = new Set<() => void>();
let held: ReadonlySet<string> = read();

function read(): ReadonlySet<string> {
  try {
    const kept: unknown = JSON.parse(remembered(NAME) ?? "[]");
    return new Set(Array.isArray(kept) ? kept.filter((one) => typeof one === "string") : []);
  } catch {
    return new Set();
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The models that this browser's user likes best, by their keys. */
export function useFavourites(): ReadonlySet<string> {
  return useSyncExternalStore(subscribe, () => held);
}

/** Makes a model a favourite, or no favourite any more. */
export function toggleFavourite(key: string): void {
  const now = new Set(read());
  if (!now.delete(key)) now.add(key);
  held = now;
  remember(NAME, JSON.stringify([...now]));
  for (const listener of listeners) listener();
}
