import { type Batch, isEnded } from "../../api/batches";

export const MOMENTS = [
  "created",
  "in_progress",
  "finalizing",
  "cancelling",
  "completed",
  "failed",
  "expired",
  "cancelled",
] as const;
export type Moment = (typeof MOMENTS)[number] | "expires";

/** What has happened to a batch, and until it is over when it has to be; in order. `at`: seconds since 1970. Pure. */
export function courseOf(batch: Batch): { what: Moment; at: number }[] {
  const past = MOMENTS.flatMap((what) => {
    const at = batch[`${what}_at`];
    return at === null ? [] : [{ what, at }];
  });
  const sorted: { what: Moment; at: number }[] = past.sort((a, b) => a.at - b.at);
  return isEnded(batch.status) ? sorted : [...sorted, { what: "expires", at: batch.expires_at }];
}
