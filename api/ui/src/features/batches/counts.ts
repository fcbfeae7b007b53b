import type { Batch } from "../../api/batches";

/** The parts of a batch's lines, each as a share of all, from 0 to 1. */
export interface Shares {
  completed: number;
  failed: number;
}

/** Which shares of a batch's lines are done and have failed; null while nobody knows how many there are. Pure. */
export function sharesOf({ total, completed, failed }: Batch["request_counts"]): Shares | null {
  if (total <= 0) return null;
  return { completed: completed / total, failed: failed / total };
}

/** How many lines are neither done nor failed. Pure. */
export function leftOf({ total, completed, failed }: Batch["request_counts"]): number {
  return Math.max(total - completed - failed, 0);
}
