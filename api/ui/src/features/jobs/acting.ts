import { cancelJob, deleteJob, retryJob } from "../../api/jobs";
import type { Action } from "./search";

/** What became of jobs to which one thing was done. `error`: the first. */
export interface Outcome {
  all: number;
  failed: number;
  error: Error | null;
}

const DOING = { cancel: cancelJob, retry: retryJob, delete: deleteJob } as const;

/** Does this to each job, one after the other; one that is refused keeps none of the others from it. */
export async function doToAll(action: Action, ids: readonly string[]): Promise<Outcome> {
  const errors: Error[] = [];
  for (const id of ids) await DOING[action](id).catch((error: Error) => errors.push(error));
  return { all: ids.length, failed: errors.length, error: errors[0] ?? null };
}
