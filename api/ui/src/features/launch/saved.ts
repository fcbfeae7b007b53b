import { useSyncExternalStore } from "react";
import { forgetAtEnd } from "../../lib/forgetting";
import { ownMemory } from "../../lib/memory";
import { isObject } from "./adapters";
import type { Draft } from "./draft";
import { withoutSecrets } from "./variables";

const NAME = "launches";

/** A form as it was filled in, under a name that its user gave it. */
export interface Saved {
  name: string;
  draft: Draft;
}

type All = Readonly<Record<string, readonly Saved[]>>;

const listeners = new Set<() => void>();
let held: All | null = null;
forgetAtEnd(() => {
  held = null;
});

/** Read when it is first asked for: whose it is must be known. */
function now(): All {
  held ??= readable(ownMemory(NAME).read());
  return held;
}

/** The forms in a text that was remembered, by their models; what is none of them is left out. Pure. */
export function readable(text: string | null): All {
  try {
    const found: unknown = JSON.parse(text ?? "{}");
    if (!isObject(found)) return {};
    return Object.fromEntries(
      Object.entries(found).map(([model, list]) => [model, Array.isArray(list) ? list.filter(isSaved) : []]),
    );
  } catch {
    return {};
  }
}

/** A form as it is kept in the browser: without the values of secrets. Pure. */
export function keptOf(draft: Draft): Draft {
  return draft["envs"] ? { ...draft, envs: withoutSecrets(draft["envs"]) } : draft;
}

/** The forms of a model with one more, which takes the place of the one of its name. Pure. */
export function withOne(list: readonly Saved[], one: Saved): Saved[] {
  return [...list.filter(({ name }) => name !== one.name), one];
}

/** The forms that were saved for a model in this browser. */
export function useSaved(model: string): readonly Saved[] {
  return useSyncExternalStore(subscribe, now)[model] ?? NONE;
}

/** Keeps a form. */
export function save(model: string, one: Saved): void {
  keep(model, (list) => withOne(list, one));
}

/** Forgets a form. */
export function forget(model: string, name: string): void {
  keep(model, (list) => list.filter((one) => one.name !== name));
}

const NONE: readonly Saved[] = [];

function keep(model: string, change: (list: readonly Saved[]) => readonly Saved[]): void {
  const { [model]: list = NONE, ...others } = readable(ownMemory(NAME).read()); // another tab may have saved, too
  const changed = change(list);
  held = changed.length > 0 ? { ...others, [model]: changed } : others;
  ownMemory(NAME).keep(JSON.stringify(held));
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function isSaved(value: unknown): value is Saved {
  if (!isObject(value) || typeof value["name"] !== "string" || !isObject(value["draft"])) return false;
  return Object.values(value["draft"]).every((text) => typeof text === "string");
}
