import type { CatalogueEntry } from "../../api/types";
import type { Filters } from "./search";
import { tongue, tonguesOf } from "./tongues";

/** What tells a model from all others: several types may have a name. */
export function keyOf({ type, name }: Pick<CatalogueEntry, "type" | "name">): string {
  return `${type}/${name}`;
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

function rank(entry: CatalogueEntry): number {
  if (entry.cause === null) return entry.cached ? 0 : isUnmeasured(entry) ? 2 : 1;
  return entry.cause === "unknown" || entry.cause === "asking" ? 2 : 3;
}

/** Models in the order in which they are shown: what is here, what fits, what may, and the rest; each by name. Pure. */
export function ordered(entries: readonly CatalogueEntry[]): CatalogueEntry[] {
  return [...entries].sort((one, other) => rank(one) - rank(other) || collator.compare(one.name, other.name));
}

/** Whether nobody can tell how much memory a model takes that would run here. What is here already may be tried. */
export function isUnmeasured(entry: Pick<CatalogueEntry, "cause" | "least_bytes" | "cached">): boolean {
  return entry.cause === null && entry.least_bytes === null && !entry.cached;
}

/** Whether a model can be launched here, or may turn out to. */
export function mayTry({ cause }: Pick<CatalogueEntry, "cause">): boolean {
  return cause === null || cause === "unknown" || cause === "asking";
}

/** The models that pass, in their order; those whose name begins with what is searched come first, and
 *  of these the one that has it for a name, then those with the highest numbers, which are the newest. Pure. */
export function passing(
  entries: readonly CatalogueEntry[],
  filters: Filters,
  favourites: ReadonlySet<string>,
): CatalogueEntry[] {
  const words = (filters.q ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const found = entries.filter(
    (entry) =>
      (!filters.type || entry.type === filters.type) &&
      (!filters.ability || entry.abilities.includes(filters.ability)) &&
      (!filters.language || tonguesOf(entry).includes(tongue(filters.language))) &&
      (!filters.engine || entry.engines.includes(filters.engine)) &&
      (!filters.format || entry.formats.includes(filters.format)) &&
      (!filters.fits || (entry.cause === null && !isUnmeasured(entry))) &&
      (!filters.cached || entry.cached) &&
      (!filters.favourites || favourites.has(keyOf(entry))) &&
      words.every((word) => holds(entry, word)),
  );
  const first = words[0];
  if (!first) return found;
  const begins = (entry: CatalogueEntry) => entry.name.toLowerCase().startsWith(first);
  const isIt = (entry: CatalogueEntry) => entry.name.toLowerCase() === filters.q?.trim().toLowerCase();
  const nearest = (one: CatalogueEntry, other: CatalogueEntry) =>
    Number(isIt(other)) - Number(isIt(one)) || rank(one) - rank(other) || collator.compare(other.name, one.name);
  return [...found.filter(begins).sort(nearest), ...found.filter((entry) => !begins(entry))];
}

function holds(entry: CatalogueEntry, word: string): boolean {
  return [entry.name, ...entry.aliases].some((name) => name.toLowerCase().includes(word));
}

/** The words that a filter may have, those that most models have first. Pure. */
export function choices(
  entries: readonly CatalogueEntry[],
  of: (entry: CatalogueEntry) => readonly string[],
): string[] {
  const counts = new Map<string, number>();
  for (const word of entries.flatMap(of)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one).map(([word]) => word);
}
