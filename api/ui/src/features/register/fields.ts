import type { ModelType } from "./draft";

export type Kind = "text" | "number" | "list" | "area";
export type FieldName = keyof typeof KINDS;

/** The fields of the form, and what is written into each. */
export const KINDS = {
  model_name: "text",
  model_description: "text",
  model_lang: "list",
  context_length: "number",
  dimensions: "number",
  max_tokens: "number",
  stop: "list",
  chat_template: "area",
  model_format: "text",
  quantizations: "list",
  model_size_in_billions: "number",
  model_uri: "text",
  model_id: "text",
  model_revision: "text",
  model_file_name_template: "text",
} as const satisfies Record<string, Kind>;

const COMMON = ["model_name", "model_description"] as const;

/** The fields of a model of each type. */
export const FIELDS: Record<ModelType, readonly FieldName[]> = {
  LLM: [...COMMON, "model_lang", "context_length", "stop", "chat_template"],
  embedding: [...COMMON, "model_lang", "dimensions", "max_tokens"],
  rerank: [...COMMON, "model_lang", "max_tokens"],
  image: [...COMMON, "model_uri", "model_id", "model_revision"],
  audio: [...COMMON, "model_uri", "model_id", "model_revision"],
  video: [...COMMON, "model_uri", "model_id", "model_revision"],
};

/** The types whose weights are listed one by one; the others name one place themselves. */
export const LISTED: readonly ModelType[] = ["LLM", "embedding", "rerank"];

/** The fields of weights. */
export const SPEC_FIELDS = [
  "model_format",
  "quantizations",
  "model_size_in_billions",
  "model_uri",
  "model_id",
  "model_revision",
  "model_file_name_template",
] as const satisfies readonly FieldName[];

/** What models of each type may be able to do. */
export const ABILITIES = {
  LLM: ["chat", "generate", "vision", "audio", "tools", "reasoning", "hybrid"],
  embedding: [],
  rerank: [],
  image: ["text2image", "image2image", "inpainting", "ocr"],
  audio: ["audio2text", "text2audio", "text2audio_voice_cloning", "text2audio_zero_shot"],
  video: ["text2video", "image2video", "firstlastframe2video"],
} as const satisfies Record<ModelType, readonly string[]>;
