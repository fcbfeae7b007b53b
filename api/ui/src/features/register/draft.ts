export const TYPES = ["LLM", "embedding", "rerank", "image", "audio", "video"] as const;
export type ModelType = (typeof TYPES)[number];
export type Json = Record<string, unknown>;
export type Path = readonly (string | number)[];

/** What is to be registered: its type, and its description as JSON. The form writes into the same text. */
export interface Draft {
  type: ModelType;
  text: string;
}

export const BLANK: Draft = {
  type: "LLM",
  text: written({
    version: 2,
    model_name: "",
    model_ability: ["chat"],
    model_specs: [{ model_format: "pytorch", quantizations: ["none"], model_uri: "" }],
  }),
};

/** A description as it is shown. */
export function written(model: Json): string {
  return JSON.stringify(model, null, 2);
}

/** The description that a text holds; null where it is none. Pure. */
export function read(text: string): Json | null {
  try {
    const found: unknown = JSON.parse(text);
    return isJson(found) ? found : null;
  } catch {
    return null;
  }
}

/** What lies at a path; undefined where nothing does. Pure. */
export function at(model: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (found, key) => (isJson(found) || Array.isArray(found) ? (found as Json)[key] : undefined),
    model,
  );
}

/** A description with another value at a path; undefined takes it out. What lies beside it stays. Pure. */
export function withAt(model: Json, path: Path, value: unknown): Json {
  return put(model, path, value) as Json;
}

function put(found: unknown, [key, ...rest]: Path, value: unknown): unknown {
  if (key === undefined) return value;
  const inner = put(at(found, [key]), rest, value);
  if (typeof key === "number") {
    const list = Array.isArray(found) ? [...found] : [];
    if (inner === undefined) list.splice(key, 1);
    else list[key] = inner;
    return list;
  }
  const { [key]: _, ...others } = isJson(found) ? found : {};
  if (inner === undefined) return others;
  return isJson(found) && key in found ? { ...found, [key]: inner } : { ...others, [key]: inner };
}

/** A path as the server names it: `model_specs[0].model_uri`. */
export function nameOf(path: Path): string {
  return path.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index ? "." : ""}${key}`)).join("");
}

/** What a typed number is: a number where it is whole as it stands, else the text, which is told to be none. */
export function numberOf(typed: string): number | string | undefined {
  const text = typed.trim();
  if (text === "") return undefined;
  return String(Number(text)) === text ? Number(text) : text;
}

/** The words between commas; undefined where there are none. */
export function listOf(typed: string): string[] | undefined {
  const words = typed.split(/[,，、\n]/).map((word) => word.trim());
  const found = words.filter(Boolean);
  return found.length > 0 ? found : undefined;
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
