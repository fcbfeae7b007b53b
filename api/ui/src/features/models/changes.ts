import type { Model } from "../../api/types";

/** What the form of a model's settings holds; numbers and durations are texts, empty where nothing is set. */
export interface Settings {
  pinned: boolean;
  autostart: boolean;
  keepAlive: string;
  minReplicas: string;
  maxReplicas: string;
}

export interface Changes {
  pinned?: boolean;
  autostart?: boolean;
  keep_alive?: string | null;
  min_replicas?: number | string | null;
  max_replicas?: number | string | null;
}

/** The settings of a model. Pure. */
export function settingsOf(model: Model): Settings {
  const written = (value: number | null) => (value === null ? "" : String(value));
  return {
    pinned: model.pinned,
    autostart: model.autostart,
    keepAlive: written(model.keep_alive),
    minReplicas: written(model.min_replicas),
    maxReplicas: written(model.max_replicas),
  };
}

/** Those that differ, as the API takes them; null: as the server's defaults say. Texts are judged there. Pure. */
export function changesOf(before: Settings, after: Settings): Changes {
  const found: Changes = {};
  if (after.pinned !== before.pinned) found.pinned = after.pinned;
  if (after.autostart !== before.autostart) found.autostart = after.autostart;
  if (after.keepAlive !== before.keepAlive) found.keep_alive = after.keepAlive.trim() || null;
  if (after.minReplicas !== before.minReplicas) found.min_replicas = counted(after.minReplicas);
  if (after.maxReplicas !== before.maxReplicas) found.max_replicas = counted(after.maxReplicas);
  return found;
}

function counted(text: string): number | string | null {
  const trimmed = text.trim();
  return trimmed === "" ? null : /^\d+$/.test(trimmed) ? Number(trimmed) : trimmed;
}
