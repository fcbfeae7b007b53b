import { environmentOf } from "./variables";

/** What is filled in, by the API's names of the fields, as it is typed; what is empty is left to the server. */
export type Draft = Readonly<Record<string, string>>;

/** A body of `POST /v1/models`. */
export type Body = { model_name: string } & Record<string, unknown>;

const TEXTS = new Set([
  "model_uid",
  "model_name",
  "model_path",
  "model_engine",
  "model_type",
  "model_format",
  "quantization",
  "node",
]);

/** The body of a launch; weights at a path are called by its last part where no name is given. Pure. */
export function bodyOf(draft: Draft): Body {
  const name = (draft["model_name"] ?? "").trim() || lastOf(draft["model_path"] ?? "");
  const filled = Object.entries({ ...draft, model_name: name }).filter(([, text]) => text.trim() !== "");
  const meaning = filled.map(([field, text]) => [field, meant(field, text.trim())] as const);
  return { model_name: "", ...Object.fromEntries(meaning.filter(([, value]) => value !== undefined)) };
}

/** The form that a body fills. What is null is left to the server. Pure. */
export function draftOf(body: Readonly<Record<string, unknown>>): Draft {
  const given = Object.entries(body).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(given.map(([field, value]) => [field, textOf(field, value)]));
}

/** Whether the weights are at a path or in a repository, and are no model of the catalogue. Pure. */
export function isPlace(draft: Draft): boolean {
  return draft["model_path"] !== undefined;
}

/** Whether a text looks like a path or a repository, and not like a name. Pure. */
export function looksLikePlace(text: string): boolean {
  return /^(hf|modelscope|pkg|file):|[/\\]/.test(text);
}

/** What a text of a field means: JSON is decoded, the rest is text, as the command line has it. Pure. */
export function meant(field: string, text: string): unknown {
  if (TEXTS.has(field)) return text;
  if (field === "envs") return environmentOf(text);
  if (field === "gpu_idx" && /^\d+(\s*,\s*\d+)*$/.test(text)) return text.split(",").map(Number);
  try {
    return JSON.parse(/^(true|false)$/i.test(text) ? text.toLowerCase() : text);
  } catch {
    return text;
  }
}

function textOf(field: string, value: unknown): string {
  if (field === "gpu_idx" && Array.isArray(value)) return value.join(",");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What weights are called after: the last part of where they are. */
function lastOf(place: string): string {
  const parts = place.trim().split(/[/\\:]+/);
  return (parts.filter(Boolean).at(-1) ?? "").replace(/\.(gguf|safetensors)$/i, "").replace(/[^\w.:@+-]+/g, "-");
}
