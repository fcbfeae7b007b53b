import type { CatalogueEntry } from "../../api/types";

/** What authors of models write where ISO 639 has another code: countries, and a language under two. */
const MEANT: Record<string, string> = { jp: "ja", kr: "ko", mm: "my", kh: "km", ph: "fil", azb: "az" };

/** The one code of a language, of the several that authors write for it. Pure. */
export function tongue(word: string): string {
  try {
    return Intl.getCanonicalLocales(MEANT[word] ?? word)[0] ?? word;
  } catch {
    return word; // it is no code of a language
  }
}

/** The languages of a model, each once. Pure. */
export function tonguesOf(entry: Pick<CatalogueEntry, "languages">): string[] {
  return [...new Set(entry.languages.map(tongue))];
}
