import { cancelJob, deleteJob, retryJob } from "../../api/jobs";
import { doToEach, type Outcome } from "../../lib/outcomes";
import type { Action } from "./search";

const DOING = { cancel: cancelJob, retry: retryJob, delete: deleteJob } as const;

/** Does this to each job. */
export function doToAll(action: Action, ids: readonly string[]): Promise<Outcome> {
  return doToEach<string>(ids, DOING[action]);
}
