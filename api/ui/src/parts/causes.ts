import type { Replica } from "../api/types";

/** Why replicas are not loaded, each cause once, and when the first of them is tried again, in ms since 1970. Pure. */
export function causesOf(replicas: readonly Replica[]): { causes: string[]; nextTryMs: number | null } {
  const causes = new Set(replicas.flatMap((replica) => replica.error_message ?? []));
  const tries = replicas.flatMap((replica) => replica.next_try_ts ?? []);
  return { causes: [...causes], nextTryMs: tries.length > 0 ? 1000 * Math.min(...tries) : null };
}
