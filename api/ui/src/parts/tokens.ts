/** A token as it can be seen: blanks and ends of lines are signs. */
export function shownToken(token: string): string {
  return token.replaceAll(" ", "␣").replaceAll("\n", "↵").replaceAll("\t", "⇥") || "∅";
}

/** The place that a key leads to from the place `at` of so many; null where it leads nowhere. */
export function moved(key: string, at: number, count: number): number | null {
  const places: Record<string, number> = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: count - 1 };
  const next = places[key];
  return next === undefined || next < 0 || next >= count ? null : next;
}
