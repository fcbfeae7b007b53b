import type { CachedModel } from "../../api/types";

export const ORDERS = ["size", "name", "read", "fetched"] as const;
export type Order = (typeof ORDERS)[number];

/** What the address of the page says: what is searched for, and the order of what is shown. */
export interface Shown {
  q?: string;
  order?: Order;
}

/** What an address says; what it does not know, it leaves out. A number is a word, too. */
export function shownOf(search: Record<string, unknown>): Shown {
  const q = typeof search["q"] === "number" ? String(search["q"]) : search["q"];
  const order = ORDERS.find((one) => one === search["order"] && one !== "size");
  return { ...(typeof q === "string" && q && { q }), ...(order && { order }) };
}

type Keyed = Pick<CachedModel, "model_version" | "size_bytes" | "read_ts" | "modified_ts">;

const BEFORE: Record<Order, (a: Keyed, b: Keyed) => number> = {
  size: (a, b) => b.size_bytes - a.size_bytes,
  name: () => 0,
  // What was not read for the longest may go first.
  read: (a, b) => (a.read_ts ?? a.modified_ts) - (b.read_ts ?? b.modified_ts),
  fetched: (a, b) => b.modified_ts - a.modified_ts,
};

/** The repositories that hold the searched words, in order; those that are equal by their names. Pure. */
export function arranged<T extends Keyed>(all: readonly T[], { q = "", order = "size" }: Shown): T[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return all
    .filter((one) => words.every((word) => one.model_version.toLowerCase().includes(word)))
    .sort((a, b) => BEFORE[order](a, b) || a.model_version.localeCompare(b.model_version));
}
