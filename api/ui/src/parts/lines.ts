import type { LogLine } from "../api/types";

/** A line of a log; its number grows by one with each line. */
export interface NumberedLine extends LogLine {
  number: number;
}

/** How many lines a page holds: more would make it slow, and nobody reads them there. */
export const MOST_LINES = 1000;

/** The last lines, after some were added. Pure. */
export function pushed(lines: readonly NumberedLine[], added: readonly NumberedLine[]): NumberedLine[] {
  return [...lines, ...added].slice(-MOST_LINES);
}

/** A time of day at the start of a line, of a program's own, with or without the date. */
const TIME = /^\[?(?:\d{4}-\d{2}-\d{2}[T ])?\d{2}:\d{2}:\d{2}(?:[.,]\d+)?Z?\]?\s+/;

/** The text of a line without the time at its start, which is told beside it. Pure. */
export function untimed(text: string): string {
  return text.replace(TIME, "");
}

/** The lines that hold a text, in whatever case. Pure. */
export function holding(lines: readonly NumberedLine[], text: string): readonly NumberedLine[] {
  const wanted = text.trim().toLowerCase();
  return wanted ? lines.filter((line) => line.text.toLowerCase().includes(wanted)) : lines;
}

/** How many lines came after those that are held back. Pure. */
export function missed(lines: readonly NumberedLine[], held: readonly NumberedLine[]): number {
  return Math.max(0, (lines.at(-1)?.number ?? 0) - (held.at(-1)?.number ?? 0));
}
