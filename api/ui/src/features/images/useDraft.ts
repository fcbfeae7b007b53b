import { useState } from "react";
import { ownMemory } from "../../lib/memory";
import { type Draft, EMPTY } from "./draft";

/** What was typed on a page, which outlives a reload. `sample`: the prompt while nothing was. */
export function useDraft(name: string, sample: string) {
  const [memory] = useState(() => ownMemory(name));
  const [typed, setTyped] = useState<Draft | null>(() => read(memory.read()));
  const change = (next: Draft) => {
    setTyped(next);
    memory.keep(JSON.stringify(next));
  };
  return { draft: typed ?? { ...EMPTY, prompt: sample }, change };
}

function read(text: string | null): Draft | null {
  try {
    const found = JSON.parse(text ?? "null");
    const names = Object.keys(EMPTY) as (keyof Draft)[];
    if (found) return Object.fromEntries(names.map((field) => [field, String(found[field] ?? "")])) as Draft;
  } catch {
    // what another version has kept
  }
  return null;
}
