import type { Head } from "../../api/files";

/** How a file begins, for people. `isWhole`: whether no line is left out, and the last is not cut. */
export interface Lines {
  lines: string[];
  isWhole: boolean;
}

const MOST = 20;
const LONGEST = 2000;

/** The lines of what was read of a file, without one that was cut in its midst; null where it is no text. Pure. */
export function piecesOf({ bytes, isWhole }: Head): Lines | null {
  const text = textOf(bytes, isWhole);
  if (text === null) return null;
  const lines = text.split(/\r?\n/);
  const cutsLast = !isWhole && lines.length > 1;
  if (cutsLast || lines.at(-1) === "") lines.pop();
  return { lines, isWhole };
}

/** The first lines of a file, those that are very long cut; null where it is no text. Pure. */
export function linesOf(head: Head, most = MOST): Lines | null {
  const pieces = piecesOf(head);
  if (!pieces) return null;
  const lines = pieces.lines.slice(0, most).map(cut);
  return { lines, isWhole: pieces.isWhole && pieces.lines.length <= most };
}

/** The endpoint that the first line of a batch's input names; null where it names none. Pure. */
export function endpointIn(head: Head): string | null {
  const [first] = linesOf(head, 1)?.lines ?? [];
  return /"url"\s*:\s*"([^"\\]{1,100})"/.exec(first ?? "")?.[1] ?? null;
}

function cut(line: string): string {
  return line.length > LONGEST ? `${line.slice(0, LONGEST)}…` : line;
}

/** UTF-8 without signs that no text has. What was cut may end in half a sign. */
function textOf(bytes: Uint8Array, isWhole: boolean): string | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !isWhole });
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}
