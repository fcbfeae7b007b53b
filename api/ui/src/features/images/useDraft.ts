import { useState } from "react";
import { remember, remembered } from "../../lib/memory";
import { type Draft, EMPTY } from "./draft";

const NAME = "images";

/** What was typed, which outlives a reload. */
export function useDraft(sample: string) {
  const [draft, setDraft] = useState<Draft>(() => read() ?? { ...EMPTY, prompt: sample });
  const change = (next: Draft) => {
    setDraft(next);
    remember(NAME, JSON.stringify(next));
  };
  return { draft, change };
}

function read(): Draft | null {
  try {
    const found = JSON.parse(remembered(NAME) ?? "null");
    const names = Object.keys(EMPTY) as (keyof Draft)[];
    if (found) return Object.fromEntries(names.map((name) => [name, String(found[name] ?? "")])) as Draft;
  } catch {
    // what another version has kept
  }
  return null;
}
