import { useEffect, useState } from "react";
import type { Device } from "../../api/types";

const MINUTE_MS = 60_000;

/** How far back the charts go at most, in ms. */
export const SPAN_MS = 300_000;

/** How busy each device was at a moment, and how full its memory: from 0 to 1, null where it is not known. */
export interface Load {
  atMs: number;
  busy: Record<string, number | null>;
  full: Record<string, number | null>;
}

/** The devices at a moment. Pure. */
export function loadOf(devices: readonly Device[], atMs: number): Load {
  const load: Load = { atMs, busy: {}, full: {} };
  for (const { id, utilization, used_bytes, total_bytes } of devices) {
    load.busy[id] = utilization;
    load.full[id] = used_bytes === null ? null : Math.min(1, used_bytes / Math.max(1, total_bytes));
  }
  return load;
}

/** What was seen, with what is seen now, as far back as the charts go. Pure. */
export function appended(before: readonly Load[], now: Load): Load[] {
  return [...before.filter(({ atMs }) => atMs > now.atMs - SPAN_MS && atMs < now.atMs), now];
}

/** How far back a chart of these moments goes, in ms: in whole minutes, one at least. Pure. */
export function spanOf(moments: readonly number[]): number {
  const seen = (moments.at(-1) ?? 0) - (moments[0] ?? 0);
  return Math.min(SPAN_MS, MINUTE_MS * Math.max(1, Math.ceil(seen / MINUTE_MS)));
}

/** What was seen of these devices since the page was opened. `atMs`: when they were asked for last. */
export function useHistory(devices: readonly Device[] | undefined, atMs: number): Load[] {
  const [history, setHistory] = useState<Load[]>([]);
  useEffect(() => {
    if (devices) setHistory((before) => appended(before, loadOf(devices, atMs)));
  }, [devices, atMs]);
  return history;
}
