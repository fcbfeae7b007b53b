import type { Model, ModelProgress } from "../../api/types";

export const STAGES = [
  "pending",
  "assigned",
  "waiting",
  "starting",
  "downloading",
  "loading",
  "warming",
  "ready",
  "dormant",
  "stopping",
  "failed",
] as const;

/** What is under way of models: those that become ready, and those that could not. */
export interface Underway {
  moving: Model[];
  failed: Model[];
}

/** A failure's name: one of a later launch has another. Pure. */
export function failureOf(model: Model): string {
  return `${model.created} ${model.id}`;
}

/** Models that load or wait, and failures that were not hidden. Pure. */
export function underway(models: readonly Model[], hidden: readonly string[]): Underway {
  return {
    moving: models.filter(({ state }) => state === "loading" || state === "waiting"),
    failed: models.filter((model) => model.state === "failed" && !hidden.includes(failureOf(model))),
  };
}

/** Of the failures that were hidden, those that still are: not those of models that were ready since, or left. Pure. */
export function stillHidden(hidden: readonly string[], models: readonly Model[]): string[] {
  const unsettled = models.filter(({ state }) => state !== "ready" && state !== "dormant").map(failureOf);
  return hidden.filter((one) => unsettled.includes(one));
}

/** What all downloads of a model have fetched, in bytes, and the seconds until the last is done, where known. Pure. */
export function downloadOf(progress: ModelProgress): { bytes: number; total: number; left: number | null } | null {
  const all = progress.replicas.flatMap(({ download }) => download ?? []);
  if (all.length === 0) return null;
  const lefts = all.flatMap(({ eta_s }) => eta_s ?? []);
  return {
    bytes: all.reduce((sum, one) => sum + one.bytes, 0),
    total: all.reduce((sum, one) => sum + one.total_bytes, 0),
    left: lefts.length === all.length ? Math.max(...lefts) : null,
  };
}

/** Why a model waits or failed, each reason once. Pure. */
export function reasonsOf(progress: ModelProgress | undefined): string {
  return [...new Set(progress?.replicas.map(({ info }) => info).filter(Boolean))].join(" ");
}
