import type { Device } from "../../api/types";

/** The bytes that each model holds of the devices, as they were measured. Pure. */
export function measuredOf(devices: readonly Device[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const { model_uid, measured_bytes } of devices.flatMap((device) => device.holders)) {
    if (measured_bytes !== null) found[model_uid] = (found[model_uid] ?? 0) + measured_bytes;
  }
  return found;
}
