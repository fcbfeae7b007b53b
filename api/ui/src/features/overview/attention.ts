import type { Device, LostDevice, Model } from "../../api/types";

/** Something that somebody should look at. */
export interface Matter {
  about: string;
  kind: "failed" | "waiting" | "fault" | "lost" | "note";
  text: string;
}

/** A device that was lost is told of for a day. */
const LOST_S = 24 * 3600;

/** What needs attention: models that failed or wait for room, and what is wrong with devices. Pure. */
export function attention(
  models: readonly Model[],
  devices: readonly Device[],
  lost: readonly LostDevice[],
  notes: readonly { node: string; note: string }[],
): Matter[] {
  const ill = models.filter((model) => model.state === "failed" || model.state === "waiting");
  return [
    ...ill.map((model) => ({ about: model.id, kind: model.state as "failed" | "waiting", text: "" })),
    ...devices
      .filter((device) => device.fault)
      .map((device) => ({ about: device.id, kind: "fault" as const, text: device.fault ?? "" })),
    ...lost
      .filter(({ silent_s }) => silent_s < LOST_S)
      .map(({ id }) => ({ about: id, kind: "lost" as const, text: "" })),
    ...notes.map((note) => ({ about: note.node, kind: "note" as const, text: note.note })),
  ];
}
