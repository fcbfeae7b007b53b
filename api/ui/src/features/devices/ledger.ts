import type { Device } from "../../api/types";

/** What a device's memory is taken by, in bytes; null where it is not known. */
export interface Sums {
  measured: number;
  reserved: number;
  /** Of programs that are no models of ours. */
  others: number | null;
  free: number | null;
}

/** The parts of a device's memory: what models hold, what others do, and what is left are all of it. Pure. */
export function sumsOf({ measured_bytes, reserved_bytes, used_bytes, free_bytes }: Device): Sums {
  return {
    measured: measured_bytes,
    reserved: reserved_bytes,
    others: used_bytes === null ? null : Math.max(0, used_bytes - measured_bytes),
    free: free_bytes,
  };
}

/** How many jobs wait for models that a device holds. Pure. */
export function waitingAt(device: Device, queued: Record<string, number>): number {
  const uids = new Set(device.holders.map(({ model_uid }) => model_uid));
  return [...uids].reduce((sum, uid) => sum + (queued[uid] ?? 0), 0);
}
