import type { Body } from "./draft";
import type { EngineOption } from "./options";

/** What engines call the tokens of a request and its answer. */
const NAMES = ["n_ctx", "max_model_len", "max_length", "context_length"];
const FROM = 1024;
const UNKNOWN_TO = 32_768;
const MOST = 8;

/** Contexts to compare, in tokens: each twice the one before, up to what the model reads. Pure. */
export function contextsUpTo(most: number | null): number[] {
  const all: number[] = [];
  const end = most ?? UNKNOWN_TO;
  for (let one = FROM; one <= end; one *= 2) all.push(one);
  if (end !== all.at(-1)) all.push(end);
  return all.slice(-MOST);
}

/** The launch with another context; any engine that has one knows it by this name. Pure. */
export function withContext(body: Body, tokens: number): Body {
  const rest = Object.fromEntries(Object.entries(body).filter(([field]) => !NAMES.includes(field)));
  return { ...rest, model_name: body.model_name, context_length: tokens };
}

/** What the engine calls its context, if it has one. Pure. */
export function contextNameOf(options: readonly EngineOption[]): string | null {
  return NAMES.find((name) => options.some((one) => one.name === name)) ?? null;
}
