export const STAGES = ["dormant", "pending", "assigned", "loading", "ready", "failed", "stopping"] as const;

/** How good the state of a replica is. Pure. */
export function toneOf(state: string): "good" | "warn" | "bad" | "calm" {
  if (state === "ready") return "good";
  if (state === "failed") return "bad";
  return state === "dormant" ? "calm" : "warn";
}
