import type { Replica } from "../api/types";
import type { Sentence } from "./telling";

/** Why replicas are not loaded, each cause once, and when the first of them is tried again, in ms since 1970. Pure. */
export function causesOf(replicas: readonly Replica[]): { causes: Sentence[]; nextTryMs: number | null } {
  const told = replicas.flatMap(({ error_message: text, reasons }) => (text ? [{ text, reasons }] : []));
  const causes = new Map(told.map((one) => [one.text, one]));
  const tries = replicas.flatMap((replica) => replica.next_try_ts ?? []);
  return { causes: [...causes.values()], nextTryMs: tries.length > 0 ? 1000 * Math.min(...tries) : null };
}
