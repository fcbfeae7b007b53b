export const TYPES = ["LLM", "embedding", "rerank", "image", "audio", "video"] as const;
export const CHECKS = ["fits", "cached", "favourites"] as const;
const WORDS = ["q", "ability", "language", "engine", "format"] as const;

/** What the address of the catalogue says: which models are shown, and how many pages of them. */
export interface Filters {
  q?: string;
  type?: (typeof TYPES)[number];
  ability?: string;
  language?: string;
  engine?: string;
  format?: string;
  fits?: true;
  cached?: true;
  favourites?: true;
  pages?: number;
}

/** The filters in an address. What it does not know, it leaves out; a number is a word, too. */
export function filtersOf(search: Record<string, unknown>): Filters {
  const filters: Filters = {};
  for (const name of WORDS) {
    const value = search[name];
    if ((typeof value === "string" && value) || typeof value === "number") filters[name] = String(value);
  }
  const type = TYPES.find((one) => one === search["type"]);
  if (type) filters.type = type;
  for (const name of CHECKS) if (search[name] === true) filters[name] = true;
  const pages = search["pages"];
  if (typeof pages === "number" && Number.isInteger(pages) && pages > 1) filters.pages = Math.min(pages, 100);
  return filters;
}

/** The filters with some of them changed; they begin at the first page again. What is empty is left out. Pure. */
export function changed(filters: Filters, change: { [name in keyof Filters]?: Filters[name] | "" | false }): Filters {
  const { pages: _, ...rest } = filters;
  return filtersOf({ ...rest, ...change });
}

/** What the address of one model says: of which type it is, where several have the name, and which lines are shown. */
export interface LineFilters {
  type?: (typeof TYPES)[number];
  size?: number;
  fits?: true;
}

export function lineFiltersOf(search: Record<string, unknown>): LineFilters {
  const type = TYPES.find((one) => one === search["type"]);
  const size = search["size"];
  return {
    ...(type && { type }),
    ...(typeof size === "number" && { size }),
    ...(search["fits"] === true && { fits: true as const }),
  };
}
