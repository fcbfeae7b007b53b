import { useState } from "react";
import { ownMemory } from "../../lib/memory";
import { BLANK, type Draft, read, TYPES } from "./draft";

/** What is being described, which outlives a reload. */
export function useDraft(): [Draft, (draft: Draft) => void] {
  const [memory] = useState(() => ownMemory("register"));
  const [draft, setDraft] = useState(() => kept(memory.read() ?? ""));
  const change = (next: Draft) => {
    memory.keep(JSON.stringify(next));
    setDraft(next);
  };
  return [draft, change];
}

function kept(written: string): Draft {
  const found = read(written);
  const type = TYPES.find((one) => one === found?.["type"]);
  const text = found?.["text"];
  return type && typeof text === "string" ? { type, text } : BLANK;
}
