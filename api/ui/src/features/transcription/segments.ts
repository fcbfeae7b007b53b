import type { Segment } from "../../api/transcripts";

/** A stretch with times. */
export interface Timed extends Segment {
  start: number;
  end: number;
}

/** Stretches with a piece more. Pieces of one stretch are one, and so are those without times. Pure. */
export function grown(segments: readonly Segment[], piece: Segment): Segment[] {
  const last = segments.at(-1);
  if (!last || last.start !== piece.start || last.end !== piece.end) return [...segments, piece];
  return [...segments.slice(0, -1), { ...last, text: last.text + piece.text }];
}

/** The stretches, if all of them have times; null if not. Pure. */
export function timed(segments: readonly Segment[]): Timed[] | null {
  const found = segments.filter((one): one is Timed => one.start !== null && one.end !== null);
  return found.length > 0 && found.length === segments.length ? found : null;
}

/** Which stretch a place in the recording lies in, in seconds; -1 if in none. Pure. */
export function placeOf(segments: readonly Timed[], seconds: number): number {
  return segments.findIndex((one) => one.start <= seconds && seconds < one.end);
}
