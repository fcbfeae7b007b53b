import { type BatchState, OPEN } from "../../api/batches";

/** Which batches a list shows: those that are not over, or those that ended in one way. */
export const TABS = ["open", "completed", "failed", "expired", "cancelled"] as const;
export type Tab = (typeof TABS)[number];

export const TONES = {
  validating: "calm",
  in_progress: "warn",
  finalizing: "warn",
  completed: "good",
  failed: "bad",
  expired: "bad",
  cancelling: "warn",
  cancelled: "calm",
} as const satisfies Record<BatchState, string>;

/** What the address of the list says. `file`: of what a new batch is to be made. */
export interface BatchSearch {
  tab?: Tab;
  after?: string;
  file?: string;
}

/** What an address says; what it does not know, it leaves out. Pure. */
export function searchOf(search: Record<string, unknown>): BatchSearch {
  const tab = TABS.find((one) => one === search["tab"]);
  const { after, file } = search;
  return {
    ...(tab && { tab }),
    ...(typeof after === "string" && after && { after }),
    ...(typeof file === "string" && file && { file }),
  };
}

/** The states that a tab shows; none: all. Pure. */
export function statesOf(tab: Tab | undefined): readonly BatchState[] {
  if (tab === undefined) return [];
  return tab === "open" ? OPEN : [tab];
}
