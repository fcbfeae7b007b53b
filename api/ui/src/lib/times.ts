/** A moment as a reader of this language writes it, to the second. `ms`: since 1970. */
export function moment(ms: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" }).format(ms);
}

/** The time of day of a moment. `ms`: since 1970. */
export function clock(ms: number, language: string): string {
  return new Intl.DateTimeFormat(language, { timeStyle: "medium", hourCycle: "h23" }).format(ms);
}

/** A span of time in its largest unit, rounded up: 40 sec, 3 min, 2 hr. */
export function lasting(seconds: number, language: string): string {
  const [count, unit] =
    seconds < 60 ? [seconds, "second"] : seconds < 3600 ? [seconds / 60, "minute"] : [seconds / 3600, "hour"];
  return new Intl.NumberFormat(language, { style: "unit", unit }).format(Math.ceil(count));
}

/** The day of a moment. `ms`: since 1970. */
export function day(ms: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: "medium" }).format(ms);
}

/** A place in a recording, or its length: 0:07, 12:05, 1:02:03. */
export function minutes(seconds: number): string {
  const whole = Math.floor(Math.max(seconds, 0));
  const [hours, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  const end = String(whole % 60).padStart(2, "0");
  return hours > 0 ? `${hours}:${String(rest).padStart(2, "0")}:${end}` : `${rest}:${end}`;
}
