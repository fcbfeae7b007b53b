import type { Model } from "../../api/types";

export type FileName = "image" | "last_image" | "control_image" | "mask";
/** The files that go along, as data URLs. */
export type Files = Record<FileName, string | null>;
export const NO_FILES: Files = { image: null, last_image: null, control_image: null, mask: null };

const DRAWN = ["size", "n", "steps", "guidance_scale", "true_cfg_scale", "scheduler", "seed", "lora"] as const;
const CHANGED = [...DRAWN, "strength"] as const;
const GUIDED = [...CHANGED, "control_scale"] as const;
const FILMED = ["size", "seconds", "num_frames", "fps", "steps", "guidance_scale", "seed", "lora"] as const;
export type FieldName = (typeof GUIDED)[number] | (typeof FILMED)[number];

interface ModeFacts {
  kind: string;
  /** What a model must be able to do. */
  ability: string;
  files: readonly FileName[];
  fields: readonly FieldName[];
  /** That of the files which may be left out. */
  optional?: FileName;
  /** Whether a prompt may be left out. */
  isPromptless?: boolean;
}

/** What can be asked for: the job's kind, the files that go along, and what may be set. */
export const MODES = {
  draw: { kind: "images.generations", ability: "text2image", files: [], fields: DRAWN },
  edit: { kind: "images.edits", ability: "image2image", files: ["image"], fields: CHANGED },
  vary: {
    kind: "images.variations",
    ability: "image2image",
    files: ["image"],
    fields: CHANGED,
    isPromptless: true,
  },
  inpaint: { kind: "images.inpainting", ability: "inpainting", files: ["image", "mask"], fields: CHANGED },
  guide: {
    kind: "images.edits",
    ability: "image2image",
    files: ["control_image", "image"],
    fields: GUIDED,
    optional: "image",
  },
  film: { kind: "videos.generations", ability: "text2video", files: [], fields: FILMED },
  animate: {
    kind: "videos.generations",
    ability: "image2video",
    files: ["image"],
    fields: FILMED,
    isPromptless: true,
  },
  between: {
    kind: "videos.generations",
    ability: "firstlastframe2video",
    files: ["image", "last_image"],
    fields: FILMED,
    isPromptless: true,
  },
} as const satisfies Record<string, ModeFacts>;
export type Mode = keyof typeof MODES;

/** The pages, each with what can be asked for on it. */
export const PAGES = {
  images: ["draw", "edit", "vary", "inpaint", "guide"],
  videos: ["film", "animate", "between"],
} as const satisfies Record<string, readonly Mode[]>;
export type PageName = keyof typeof PAGES;

/** What holds of a mode. */
export function factsOf(mode: Mode): ModeFacts {
  return MODES[mode];
}

/** What may be set. How far a picture is left, only where there is one that is changed. Pure. */
export function fieldsOf(mode: Mode, files: Files): readonly FieldName[] {
  const { fields, optional } = factsOf(mode);
  return optional && files[optional] === null ? fields.filter((name) => name !== "strength") : fields;
}

/** Whether a model can be asked for this. A ControlNet is named at a model's launch. Pure. */
export function isAble(model: Pick<Model, "model_ability" | "controlnet">, mode: Mode): boolean {
  return model.model_ability.includes(MODES[mode].ability) && (mode !== "guide" || model.controlnet !== null);
}

/** The mode of an address; the page's first where it is none. Pure. */
export function modeOf(page: PageName, word: string | undefined): Mode {
  return PAGES[page].find((mode) => mode === word) ?? PAGES[page][0];
}

/** The body of a job's endpoint, as far as this page makes or reads it. */
export type Input = Record<string, unknown>;

/** The mode of a job by its kind and what it was given; the first where its kind is none of these. Pure. */
export function modeOfJob(kind: string, input: Input, given: Input): Mode {
  if (kind === MODES.guide.kind) return "control_image" in given || "control_scale" in input ? "guide" : "edit";
  const those = (Object.keys(MODES) as Mode[]).filter((mode) => MODES[mode].kind === kind);
  const fitting = those.filter((mode) => factsOf(mode).files.every((name) => name === "mask" || name in given));
  return fitting.at(-1) ?? those[0] ?? "draw";
}

/**
 * The files by the names that the server has for them: a picture that guides, and beside which none is changed, is its
 * `image`. Pure.
 */
export function sentOf(mode: Mode, files: Files): Record<string, string> {
  const given = factsOf(mode).files.flatMap((name) => (files[name] === null ? [] : [[name, files[name]] as const]));
  if (mode === "guide" && files.image === null)
    return files.control_image === null ? {} : { image: files.control_image };
  return Object.fromEntries(given);
}

/** The files of a request as this page names them, which undoes `sentOf`. Pure. */
export function takenOf(mode: Mode, sent: Partial<Files>): Files {
  const files = { ...NO_FILES, ...sent };
  return mode === "guide" && files.control_image === null
    ? { ...files, control_image: files.image, image: null }
    : files;
}
