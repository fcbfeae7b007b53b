import type { ModelUnderway } from "../api/types";

/** How far a replica may be, as the API says it. */
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

/** Why a model waits or failed, each reason of its replicas once. Pure. */
export function reasonsOf(model: ModelUnderway | undefined): Why[] {
  const told = (model?.replicas ?? []).filter(({ info }) => info);
  return [...new Map(told.map((one) => [one.info, one])).values()];
}

/** Why a replica waits or failed. */
export type Why = Pick<ModelUnderway["replicas"][number], "info" | "code" | "reasons">;

export type Download = NonNullable<ModelUnderway["replicas"][number]["download"]>;

/** How far a model's files are: of several replicas, which may wait for one of them, the one that is the farthest. Pure. */
export function downloadOf(model: Pick<ModelUnderway, "replicas">): Download | null {
  const found = model.replicas.flatMap(({ download }) => download ?? []);
  return found.sort((a, b) => b.bytes - a.bytes)[0] ?? null;
}
