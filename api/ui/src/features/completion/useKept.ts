import { useRef, useState } from "react";
import { ownMemory } from "../../lib/memory";
import type { Doc } from "./document";
import { DEFAULTS, type Settings } from "./request";

const EVERY_MS = 1000;

interface Kept {
  /** Nothing where nothing was written yet. */
  doc?: Doc;
  settings: Settings;
}

/** The text and the parameters, which outlive a reload. A text that grows is kept each second. */
export function useKept(sample: string) {
  const [memory] = useState(() => ownMemory("completion"));
  const [shown, setShown] = useState<Kept>(() => read(memory.read()));
  const now = useRef(shown);
  const at = useRef(0);
  const set = (next: Partial<Kept>, isGrowing: boolean) => {
    now.current = { ...now.current, ...next };
    setShown(now.current);
    if (isGrowing && Date.now() - at.current < EVERY_MS) return;
    at.current = Date.now();
    memory.keep(JSON.stringify(now.current));
  };
  const doc = shown.doc ?? { text: sample, written: [] };
  return {
    ...shown,
    doc,
    change: (next: Partial<Kept>) => set(next, false),
    show: (one: Doc) => set({ doc: one }, true),
  };
}

function read(text: string | null): Kept {
  try {
    const found = JSON.parse(text ?? "null");
    if (typeof found.doc.text === "string" && Array.isArray(found.doc.written) && found.settings) return found;
  } catch {
    // what another version has kept
  }
  return { settings: DEFAULTS };
}
