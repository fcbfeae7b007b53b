export type FileName = "image" | "mask";
/** The files that go along, as data URLs. */
export type Files = Record<FileName, string | null>;
export const NO_FILES: Files = { image: null, mask: null };

const DRAWN = ["size", "n", "steps", "guidance_scale", "seed", "lora"] as const;
const CHANGED = [...DRAWN, "strength"] as const;
const FILMED = ["size", "seconds", "num_frames", "fps", "steps", "guidance_scale", "seed", "lora"] as const;
export type FieldName = (typeof CHANGED)[number] | (typeof FILMED)[number];

interface ModeFacts {
  kind: string;
  /** What a model must be able to do. */
  ability: string;
  files: readonly FileName[];
  fields: readonly FieldName[];
}

/** What can be asked for: the job's kind, the files that go along, and what may be set. */
export const MODES = {
  draw: { kind: "images.generations", ability: "text2image", files: [], fields: DRAWN },
  edit: { kind: "images.edits", ability: "image2image", files: ["image"], fields: CHANGED },
  vary: { kind: "images.variations", ability: "image2image", files: ["image"], fields: CHANGED },
  inpaint: { kind: "images.inpainting", ability: "inpainting", files: ["image", "mask"], fields: CHANGED },
  film: { kind: "videos.generations", ability: "text2video", files: [], fields: FILMED },
  animate: { kind: "videos.generations", ability: "image2video", files: ["image"], fields: FILMED },
} as const satisfies Record<string, ModeFacts>;
export type Mode = keyof typeof MODES;

/** The pages, each with what can be asked for on it. */
export const PAGES = {
  images: ["draw", "edit", "vary", "inpaint"],
  videos: ["film", "animate"],
} as const satisfies Record<string, readonly Mode[]>;
export type PageName = keyof typeof PAGES;

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
  seed: "",
  strength: "",
  lora: "",
};

/** The body of a job's endpoint, as far as this page makes or reads it. */
export type Input = Record<string, unknown>;

/** The mode of an address; the page's first where it is none. Pure. */
export function modeOf(page: PageName, word: string | undefined): Mode {
  return PAGES[page].find((mode) => mode === word) ?? PAGES[page][0];
}

/** The mode of a job by its kind and whether it was given a picture; the first where its kind is none of these. Pure. */
export function modeOfJob(kind: string, hasImage: boolean): Mode {
  const those = (Object.keys(MODES) as Mode[]).filter((mode) => MODES[mode].kind === kind);
  return those.find((mode) => MODES[mode].files.some((name) => name === "image") === hasImage) ?? those[0] ?? "draw";
}

/** The job that a draft asks for. What is no number is sent as it was typed, to be refused at its field. Pure. */
export function jobOf(
  mode: Mode,
  model: string,
  draft: Draft,
  files: Files,
): { kind: string; model: string; input: Input } {
  const input: Input = {};
  for (const name of ["prompt", "negative_prompt", ...MODES[mode].fields] as const) {
    const text = draft[name].trim();
    if (text === "") continue;
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
  return mode !== "vary" && mode !== "animate" && draft.prompt.trim() === "" ? "prompt" : null;
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
