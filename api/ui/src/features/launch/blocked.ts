import type { Model } from "../../api/types";

/** Why a launch cannot be asked for: what the server would refuse, where it is known before. */
export type Blocked =
  | { why: "uid"; uid: string; free: string }
  | { why: "choice" }
  | { why: "field"; field: string }
  | { why: "room" }
  | { why: "said" };

interface Known {
  uid: string;
  models: readonly Pick<Model, "id" | "state">[];
  /** Whether what is chosen of the catalogue can never be launched here, as is said beside it. */
  isOut: boolean;
  /** What is wrong with the form, as the server says it of a launch as it is now; null where nothing is. */
  error: { status: number; param: string | null } | null;
  /** Whether the field of this name is on the page, and says itself what is wrong. */
  shows: (field: string) => boolean;
  /** Whether no device has the room, whatever would leave it. */
  hasNoRoom: boolean;
}

const IN_USE = new Set(["ready", "loading", "dormant"]);

/** Why a launch cannot be asked for, if so. An estimate that could not be made blocks nothing. Pure. */
export function blockedBy({ uid, models, isOut, error, shows, hasNoRoom }: Known): Blocked | null {
  const taken = models.map((one) => one.id);
  if (models.some((one) => one.id === uid && IN_USE.has(one.state)))
    return { why: "uid", uid, free: freeUid(uid, taken) };
  if (isOut) return { why: "choice" };
  if (error && isRefusal(error.status)) {
    if (error.param !== null && shows(error.param)) return { why: "field", field: error.param };
    return { why: "said" };
  }
  return hasNoRoom ? { why: "room" } : null;
}

/**
 * Whether an error of the estimate is one of the launch, too. A launch goes on where a hub does not show its files: only a path on the
 * server is looked at before. Pure.
 */
export function isOfLaunch(param: string | null, place: string | undefined): boolean {
  return param !== "model_path" || /^([/\\~]|pkg:|[a-z]:[/\\])/i.test((place ?? "").trim());
}

/** Whether a status means that the server will not do this, and not that it cannot now. Pure. */
export function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && ![401, 408, 429].includes(status);
}

/** A uid that no model has. Pure. */
export function freeUid(uid: string, taken: readonly string[]): string {
  const stem = uid.replace(/-\d+$/, "");
  for (let number = 2; ; number += 1) if (!taken.includes(`${stem}-${number}`)) return `${stem}-${number}`;
}
