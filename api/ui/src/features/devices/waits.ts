import type { Model, ModelUnderway } from "../../api/types";

/** Jobs that wait for a model, and what that model does meanwhile; null: it is not launched. */
export interface WaitingJobs {
  uid: string;
  count: number;
  state: Model["state"] | null;
}

/** The models that wait for a device or load, those that wait for a device first. Pure. */
export function waitingModels(models: readonly ModelUnderway[]): ModelUnderway[] {
  const rank = ({ state }: ModelUnderway) => (state === "waiting" ? 0 : 1);
  return models.filter(({ state }) => state !== "failed").sort((a, b) => rank(a) - rank(b));
}

/** Whether no device that is here will ever do for a model. Pure. */
export function isHopeless({ replicas }: ModelUnderway): boolean {
  return replicas.some(({ hopeless }) => hopeless);
}

/** The jobs that wait, by model, the most first. Pure. */
export function waitingJobs(queued: Record<string, number>, models: readonly Model[]): WaitingJobs[] {
  return Object.entries(queued)
    .filter(([, count]) => count > 0)
    .map(([uid, count]) => ({ uid, count, state: models.find(({ id }) => id === uid)?.state ?? null }))
    .sort((a, b) => b.count - a.count || a.uid.localeCompare(b.uid));
}
