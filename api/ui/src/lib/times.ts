/** A moment as a reader of this language writes it, to the second. `ms`: since 1970. */
export function moment(ms: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(ms);
}

/** The time of day of a moment. `ms`: since 1970. */
export function clock(ms: number, language: string): string {
  return new Intl.DateTimeFormat(language, { timeStyle: "medium", hourCycle: "h23" }).format(ms);
}
