/** What models say of themselves that know no certain languages. */
const ALL: readonly string[] = ["auto", "multilingual"];

/** The codes of the languages that a model knows; null where it does not tell which. */
export function certain(codes: readonly string[] | undefined): readonly string[] | null {
  return codes && codes.length > 0 && !codes.some((code) => ALL.includes(code)) ? codes : null;
}

/** The name of a language in another; its code where a browser knows no name, or it is no code at all. */
export function languageName(code: string, shown: string): string {
  try {
    return new Intl.DisplayNames(shown, { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

/** Languages by their names in `shown`, in its order. */
export function namedLanguages(codes: readonly string[], shown: string): (readonly [string, string])[] {
  const names = codes.map((code) => [code, languageName(code, shown)] as const);
  return names.sort(([, one], [, other]) => one.localeCompare(other, shown));
}
