export type FileName = "image" | "mask";
/** The files that go along, as data URLs. */
export type Files = Record<FileName, string | null>;
export const NO_FILES: Files = { image: null, mask: null };

/** What can be asked for: the job's kind, what a model must be able to do for it, and the files that go along. */
export const MODES = {
  draw: { kind: "images.generations", ability: "text2image", files: [] },
  edit: { kind: "images.edits", ability: "image2image", files: ["image"] },
  vary: { kind: "images.variations", ability: "image2image", files: ["image"] },
  inpaint: { kind: "images.inpainting", ability: "inpainting", files: ["image", "mask"] },
} as const satisfies Record<string, { kind: string; ability: string; files: readonly FileName[] }>;
export type Mode = keyof typeof MODES;

export const FIELDS = ["size", "n", "steps", "guidance_scale", "seed", "strength", "lora"] as const;
export type FieldName = (typeof FIELDS)[number];

/** What was typed. A field that is empty is left to the model. */
export type Draft = Record<FieldName | "prompt" | "negative_prompt", string>;

export const EMPTY: Draft = {
  prompt: "",
  negative_prompt: "",
  size: "",
  n: "",
  steps: "",
  guidance_scale: "",
  seed: "",
  strength: "",
  lora: "",
};

/** The body of a job's endpoint, as far as this page makes or reads it. */
export type Input = Record<string, unknown>;

/** The mode of an address or of a job's kind; the first where it is none. Pure. */
export function modeOf(word: string | undefined): Mode {
  const found = Object.entries(MODES).find(([mode, { kind }]) => mode === word || kind === word);
  return (found?.[0] ?? "draw") as Mode;
}

/** The job that a draft asks for. What is no number is sent as it was typed, to be refused at its field. Pure. */
export function jobOf(
  mode: Mode,
  model: string,
  draft: Draft,
  files: Files,
): { kind: string; model: string; input: Input } {
  const input: Input = {};
  for (const [name, typed] of Object.entries(draft)) {
    const text = typed.trim();
    if (text === "" || (name === "strength" && mode === "draw")) continue;
    if (name === "lora") input[name] = lorasOf(text);
    else input[name] = name === "size" || name.endsWith("prompt") ? text : exactNumber(text);
  }
  for (const name of MODES[mode].files) if (files[name] !== null) input[name] = files[name];
  return { kind: MODES[mode].kind, model, input: { ...input, response_format: "url" } };
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
  const file = MODES[mode].files.find((name) => files[name] === null);
  if (file) return file;
  return mode !== "vary" && draft.prompt.trim() === "" ? "prompt" : null;
}

/** The field that an error is about; null where it is about none of these. Pure. */
export function fieldOf(param: string | null): keyof Draft | null {
  const name = /^input\.(\w+)/.exec(param ?? "")?.[1];
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
