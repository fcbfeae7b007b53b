import { isOver, type JobFilters, type JobState } from "../../api/jobs";

export const STATES = [
  "queued",
  "running",
  "succeeded",
  "failed",
  "cancelled",
  "expired",
] as const satisfies JobState[];
export const TONES = {
  queued: "calm",
  running: "warn",
  succeeded: "good",
  failed: "bad",
  cancelled: "calm",
  expired: "bad",
} as const satisfies Record<JobState, string>;
export const ACTIONS = ["cancel", "retry", "delete"] as const;
export type Action = (typeof ACTIONS)[number];

/** What the address of the list says: which jobs are shown. What it does not know, it leaves out. Pure. */
export function filtersOf(search: Record<string, unknown>): JobFilters {
  const state = STATES.find((one) => one === search["state"]);
  const model = word(search["model"]);
  const after = word(search["after"]);
  return { ...(state && { state }), ...(model && { model }), ...(after && { after }) };
}

/** A model may be called 7, which the router reads as a number. */
function word(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** Whether the server does this to a job in this state. Pure. */
export function fits(action: Action, state: JobState): boolean {
  if (action === "cancel") return !isOver(state);
  return isOver(state) && (action === "delete" || state !== "succeeded");
}
