import { useState } from "react";
import { forgetAtEnd } from "../lib/forgetting";

/** What is kept while this tab is open: a recording that was made here lies nowhere else. */
const kept = new Map<string, unknown>();
forgetAtEnd(() => kept.clear());

/** A state that is still there when the reader comes back to the page. */
export function useKept<T>(name: string, initial: T): [T, (value: T) => void] {
  const [value, setValue] = useState(() => (kept.has(name) ? (kept.get(name) as T) : initial));
  const change = (next: T) => {
    kept.set(name, next);
    setValue(next);
  };
  return [value, change];
}
