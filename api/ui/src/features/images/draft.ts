import type { FileJob } from "../../api/jobForms";
import {
  type FieldName,
  type FileName,
  type Files,
  factsOf,
  fieldsOf,
  type Input,
  MODES,
  type Mode,
  sentOf,
} from "./modes";

/** What was typed. A field that is empty is left to the model. */
export type Draft = Record<FieldName | "prompt" | "negative_prompt", string>;

export const EMPTY: Draft = {
  prompt: "",
  negative_prompt: "",
  size: "",
  n: "",
  seconds: "",
  num_frames: "",
  fps: "",
  steps: "",
  guidance_scale: "",
  true_cfg_scale: "",
  scheduler: "",
  control_scale: "",
  seed: "",
  strength: "",
  lora: "",
};

/** What is sent as it was typed; all else are numbers. */
const TEXTS: readonly (keyof Draft)[] = ["prompt", "negative_prompt", "size", "scheduler"];

/** How far a ControlNet is heeded unless it is said: by this a request is known for one that has it heeded. */
const CONTROL_SCALE = 1;

/** The job that a draft asks for. What is no number is sent as it was typed, to be refused at its field. Pure. */
export function jobOf(mode: Mode, model: string, draft: Draft, files: Files): FileJob {
  const input: Input = {};
  for (const name of ["prompt", "negative_prompt", ...fieldsOf(mode, files)] as const) {
    const text = draft[name].trim();
    if (text === "") continue;
    if (name === "lora") input[name] = lorasOf(text);
    else input[name] = TEXTS.includes(name) ? text : exactNumber(text);
  }
  if (mode === "guide") input["control_scale"] ??= CONTROL_SCALE;
  return { kind: MODES[mode].kind, model, input: { ...input, response_format: "url" }, files: sentOf(mode, files) };
}

/** The draft that asks for the same again. `seed`: that which was used, where none was asked for. Pure. */
export function draftOf(input: Input, seed: string | null): Draft {
  const draft = { ...EMPTY };
  for (const name of Object.keys(EMPTY) as (keyof Draft)[]) {
    const value = input[name];
    if (name === "lora") draft[name] = Array.isArray(value) ? value.map(loraText).join(", ") : "";
    else if (typeof value === "string" || typeof value === "number") draft[name] = String(value);
  }
  return draft.seed === "" && seed !== null ? { ...draft, seed } : draft;
}

/** What is still needed before this can be asked for: a prompt or a file; null where nothing is. Pure. */
export function lackOf(mode: Mode, draft: Draft, files: Files): "prompt" | FileName | null {
  const { files: names, optional, isPromptless } = factsOf(mode);
  const file = names.find((name) => files[name] === null && name !== optional);
  if (file) return file;
  return !isPromptless && draft.prompt.trim() === "" ? "prompt" : null;
}

/** The field that an error is about; null where it is about none of these. Pure. */
export function fieldOf(param: string | null): keyof Draft | null {
  const name = /^(?:input\.)?(\w+)/.exec(param ?? "")?.[1];
  return (Object.keys(EMPTY) as (keyof Draft)[]).find((one) => one === name) ?? null;
}

/** A number, or the text where a number would not be exactly what was typed: seeds may have 63 bits. */
function exactNumber(text: string): number | string {
  const value = Number(text);
  const isExact = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
  return isExact ? value : text;
}

/** Adapters as they are typed: `name`, or `name:strength`, with commas between them. */
function lorasOf(text: string): { name: string; scale?: number }[] {
  return text
    .split(/[,，]/)
    .map((one) => one.trim())
    .filter(Boolean)
    .map((one) => {
      const [, name, scale] = /^(.+):\s*(-?\d*\.?\d+)$/.exec(one) ?? [];
      return name ? { name: name.trim(), scale: Number(scale) } : { name: one };
    });
}

function loraText({ name, scale }: { name: string; scale?: number }): string {
  return scale === undefined ? name : `${name}:${scale}`;
}
