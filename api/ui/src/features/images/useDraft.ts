import { useState } from "react";
import { remember, remembered } from "../../lib/memory";
import { type Draft, EMPTY } from "./draft";

/** What was typed on a page, which outlives a reload. `sample`: the prompt while nothing was. */
export function useDraft(name: string, sample: string) {
  const [typed, setTyped] = useState<Draft | null>(() => read(name));
  const change = (next: Draft) => {
    setTyped(next);
    remember(name, JSON.stringify(next));
  };
  return { draft: typed ?? { ...EMPTY, prompt: sample }, change };
}

function read(name: string): Draft | null {
  try {
    const found = JSON.parse(remembered(name) ?? "null");
    const names = Object.keys(EMPTY) as (keyof Draft)[];
    if (found) return Object.fromEntries(names.map((field) => [field, String(found[field] ?? "")])) as Draft;
  } catch {
    // what another version has kept
  }
  return null;
}
