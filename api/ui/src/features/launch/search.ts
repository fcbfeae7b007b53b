import type { Draft } from "./draft";

/** What the address of the form says. */
export interface LaunchSearch {
  name?: string | undefined;
  type?: string | undefined;
  path?: string | undefined;
  engine?: string | undefined;
  size?: string | undefined;
  format?: string | undefined;
  quantization?: string | undefined;
  launched?: string | undefined;
}

const FIELDS = [
  ["name", "model_name"],
  ["type", "model_type"],
  ["path", "model_path"],
  ["engine", "model_engine"],
  ["size", "model_size_in_billions"],
  ["format", "model_format"],
  ["quantization", "quantization"],
] as const;

/** The form that an address fills. Pure. */
export function draftIn(search: LaunchSearch): Draft {
  return Object.fromEntries(FIELDS.flatMap(([word, field]) => (search[word] ? [[field, search[word]]] : [])));
}

/** What the address says of a form: which model, and which of its weights. Pure. */
export function searchOf(draft: Draft): LaunchSearch {
  return Object.fromEntries(FIELDS.flatMap(([word, field]) => (draft[field]?.trim() ? [[word, draft[field]]] : [])));
}
