import { useState } from "react";

/** Which things of a list's page are chosen, and how to change that. */
export interface Chosen<T> {
  those: readonly T[];
  isChosen: (id: string) => boolean;
  choose: (id: string, on: boolean) => void;
  /** Whether all are. */
  all: boolean;
  chooseAll: (on: boolean) => void;
}

/** Lets a reader choose things of a list's page. Those that have left the page are chosen no more. */
export function useChosen<T extends { id: string }>(things: readonly T[]): Chosen<T> {
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const those = things.filter(({ id }) => chosen.has(id));
  return {
    those,
    isChosen: (id) => chosen.has(id),
    choose: (id, on) => setChosen((before) => new Set(on ? [...before, id] : [...before].filter((one) => one !== id))),
    all: things.length > 0 && those.length === things.length,
    chooseAll: (on) => setChosen(new Set(on ? things.map(({ id }) => id) : [])),
  };
}
