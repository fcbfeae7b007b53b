import type { Device } from "../api/types";

/** A part of a device's memory: who has it, in bytes, and whether it was measured or is only promised. */
export interface MemoryPart {
  name: string;
  bytes: number;
  kind: "held" | "reserved" | "other";
}

/** What the memory of a device is taken by; what is left of its size is free. Pure. */
export function partsOf(device: Device): MemoryPart[] {
  const parts: MemoryPart[] = [];
  let held = 0;
  for (const holder of device.holders) {
    const measured = holder.measured_bytes ?? 0;
    const owed = Math.max(0, (holder.reserved_bytes ?? 0) - measured);
    if (measured > 0) parts.push({ name: holder.model_uid, bytes: measured, kind: "held" });
    if (owed > 0) parts.push({ name: holder.model_uid, bytes: owed, kind: "reserved" });
    held += measured;
  }
  const others = (device.used_bytes ?? held) - held;
  if (others > 0) parts.unshift({ name: "", bytes: others, kind: "other" });
  return parts;
}
