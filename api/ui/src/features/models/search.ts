import type { Model } from "../../api/types";

export const STATES = ["ready", "loading", "waiting", "dormant", "failed"] as const satisfies readonly Model["state"][];
export const TYPES = ["LLM", "embedding", "rerank", "image", "audio", "video"] as const;
export const TABS = ["replicas", "events", "log", "settings", "code"] as const;
export const ADMIN_TABS: readonly Tab[] = ["log", "settings"];

export type Tab = (typeof TABS)[number];
export interface Filters {
  type?: (typeof TYPES)[number];
  state?: (typeof STATES)[number];
}

/** What the address of the list says: which models are shown. What it does not know, it leaves out. */
export function filtersOf(search: Record<string, unknown>): Filters {
  const type = TYPES.find((one) => one === search["type"]);
  const state = STATES.find((one) => one === search["state"]);
  return { ...(type && { type }), ...(state && { state }) };
}

/** What the address of a model says: which part of its page is shown. */
export function tabOf(search: Record<string, unknown>): { tab?: Tab } {
  const tab = TABS.find((one) => one === search["tab"]);
  return tab ? { tab } : {};
}

/** The models that pass. Pure. */
export function passing(models: readonly Model[], { type, state }: Filters): Model[] {
  return models.filter((model) => (!type || model.model_type === type) && (!state || model.state === state));
}
