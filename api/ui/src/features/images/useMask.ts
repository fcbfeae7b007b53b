import { useEffect, useRef, useState } from "react";
import { blobOf } from "../../lib/files";
import type { Step } from "./mask";
import { maskOf, sizeFor, stepOf } from "./paint";

export interface Size {
  width: number;
  height: number;
}

/** A mask that is made step by step. `given`: the one to begin with, as a data URL. */
export function useMask(given: string | null, onMask: (mask: string | null) => void) {
  const [size, setSize] = useState<Size | null>(null);
  const [steps, setSteps] = useState<readonly Step[]>([]);
  const [share, setShare] = useState(0);
  const begun = useRef(given);
  const change = (next: readonly Step[], of: Size | null = size) => {
    setSteps(next);
    if (!of) return;
    const made = maskOf(of, next);
    setShare(made.share);
    onMask(made.mask);
  };
  const latest = useRef(change);
  useEffect(() => {
    latest.current = change;
  });
  const add = (step: Step) => change([...steps, step]);
  /** Begins when the picture is there whose size the mask has. */
  const begin = async (picture: HTMLImageElement) => {
    const found = sizeFor(picture);
    setSize(found);
    const first = begun.current;
    begun.current = null;
    if (first) latest.current([await stepOf(blobOf(first))], found);
  };
  return { size, steps, share, begin, add, undo: () => change(steps.slice(0, -1)), clear: () => change([]) };
}
