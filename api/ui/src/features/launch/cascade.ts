import type { CatalogueModel, Way } from "../../api/types";
import type { Sentence } from "../../parts/telling";
import type { Draft } from "./draft";

export const LEVELS = ["model_engine", "model_format", "model_size_in_billions", "quantization"] as const;
export type Level = (typeof LEVELS)[number];

/** A way to launch a model, and whether its weights are on the machine already. */
export interface WayThere extends Way {
  isHere: boolean;
}

/** One of the values of a level. `reason`: why it cannot be had; null where it can, or may turn out to. */
export interface Option {
  value: string;
  reason: Sentence | null;
  isHere: boolean;
}

/** A level with all its values, given what is chosen before it. */
export interface Step {
  level: Level;
  options: Option[];
  value: string;
}

const ENGINES = ["sentence_transformers", "faster_whisper", "diffusers", "llama_cpp", "transformers"];
const QUANTIZATIONS = ["none", "Q4_K_M", "Q4_K_S", "Q4_1", "Q4_0", "Q8_0"];

/** All ways to launch a model of the catalogue. Pure. */
export function waysOf(model: CatalogueModel): WayThere[] {
  return model.weights.flatMap((weights) => weights.ways.map((way) => ({ ...way, isHere: weights.cached })));
}

/** Engine, format, size and quantisation: what was picked where it is there, else what is good to begin with. Pure. */
export function cascade(ways: readonly WayThere[], picked: Draft): Step[] {
  const steps: Step[] = [];
  let left = ways;
  for (const level of LEVELS) {
    const values = [...new Set(left.map((way) => wordOf(way, level)))];
    if (level === "model_size_in_billions") values.sort((one, other) => Number(one) - Number(other));
    const wanted = nearest(picked[level], values);
    const value = wanted ?? wordOf(bestOf(left, picked), level);
    steps.push({ level, options: values.filter(Boolean).map((one) => optionOf(left, level, one)), value });
    left = left.filter((way) => wordOf(way, level) === value);
  }
  return steps;
}

/** What is chosen, as fields of the form; what nothing is known of is left to the server. Pure. */
export function chosen(steps: readonly Step[]): Draft {
  return Object.fromEntries(steps.filter(({ value }) => value).map(({ level, value }) => [level, value]));
}

/** The way that is chosen. Pure. */
export function wayOf(ways: readonly WayThere[], steps: readonly Step[]): WayThere | undefined {
  return ways.find((way) => steps.every(({ level, value }) => wordOf(way, level) === value));
}

/** Whether it can be gone, or may turn out to. Pure. */
export function mayTry(way: Way): boolean {
  return way.runs || way.cause === "unknown" || way.cause === "asking";
}

function optionOf(ways: readonly WayThere[], level: Level, value: string): Option {
  const these = ways.filter((way) => wordOf(way, level) === value);
  const found = these.find((way) => way.reason);
  const reason = these.some(mayTry) ? null : { text: found?.reason ?? "–", reasons: found?.reasons };
  return { value, reason, isHere: these.some((way) => way.isHere && mayTry(way)) };
}

/** The value that a word means: names in commands are written in whatever case, and Xinference's as 0_5. */
function nearest(word: string | undefined, values: readonly string[]): string | undefined {
  if (!word) return undefined;
  const same = (text: string) => text.toLowerCase().replace(/[_.-]/g, "");
  return values.find((one) => one === word) ?? values.find((one) => same(one) === same(word));
}

/** What runs, and of that what was picked, what is here, what is small, and what the server would take itself. */
function bestOf(ways: readonly WayThere[], picked: Draft): WayThere | undefined {
  const hits = (way: WayThere) => LEVELS.filter((one) => nearest(picked[one], [wordOf(way, one)])).length;
  const rank = (way: WayThere) => [
    Number(!mayTry(way)),
    -hits(way),
    Number(!way.runs),
    Number(!way.isHere),
    Number(way.fits_now === false),
    way.model_size_in_billions ?? 0,
    way.engine === "vllm" && way.devices.some((device) => !device.endsWith("cpu")) ? -1 : place(ENGINES, way.engine),
    place(QUANTIZATIONS, way.quantization),
  ];
  return [...ways].sort((one, other) => compared(rank(one), rank(other)))[0];
}

function place(order: readonly string[], one: string | null): number {
  const found = order.indexOf(one ?? "");
  return found < 0 ? order.length : found;
}

function compared(one: readonly number[], other: readonly number[]): number {
  return one.map((value, at) => value - (other[at] ?? 0)).find((difference) => difference !== 0) ?? 0;
}

function wordOf(way: Way | undefined, level: Level): string {
  return String((level === "model_engine" ? way?.engine : way?.[level]) ?? "");
}
