/** How bad the events are that are shown: those that went wrong, or the worst alone. */
export const LEVELS = { troubles: ["WARNING", "ERROR"], errors: ["ERROR"] } as const;
export type Level = keyof typeof LEVELS;

/** Events of a page, and most of them that are shown at once. */
export const PAGE = 100;
export const MOST = 1000;

/** What the address of the page says: whose events are shown, how bad ones, and how many pages of them. */
export interface Shown {
  model?: string;
  level?: Level;
  pages?: number;
}

/** What an address says; what it does not know, it leaves out. A model may be called by a number. */
export function shownOf(search: Record<string, unknown>): Shown {
  const value = search["model"];
  const model = typeof value === "string" || typeof value === "number" ? String(value) : "";
  const level = (Object.keys(LEVELS) as Level[]).find((one) => one === search["level"]);
  const pages = search["pages"];
  const isMore = typeof pages === "number" && Number.isInteger(pages) && pages > 1;
  return {
    ...(model && { model }),
    ...(level && { level }),
    ...(isMore && { pages: Math.min(pages, MOST / PAGE) }),
  };
}

/** The models that may be chosen: those that are there, those of the events, and the chosen one. Pure. */
export function choicesOf(there: Iterable<string>, ofEvents: Iterable<string>, chosen?: string): string[] {
  return [...new Set([...there, ...ofEvents, ...(chosen ? [chosen] : [])])].sort((one, other) =>
    one.localeCompare(other),
  );
}
