/** The name of a language in another; its code where a browser knows no name. */
export function languageName(code: string, shown: string): string {
  return new Intl.DisplayNames(shown, { type: "language" }).of(code) ?? code;
}

/** Languages by their names in `shown`, in its order. */
export function namedLanguages(codes: readonly string[], shown: string): (readonly [string, string])[] {
  const names = codes.map((code) => [code, languageName(code, shown)] as const);
  return names.sort(([, one], [, other]) => one.localeCompare(other, shown));
}
