import { type Draft, draftOf, meant } from "./draft";

const SHORT: Record<string, string> = {
  n: "model_name",
  u: "model_uid",
  t: "model_type",
  en: "model_engine",
  f: "model_format",
  q: "quantization",
  s: "model_size_in_billions",
  size_in_billions: "model_size_in_billions",
  r: "replica",
  mp: "model_path",
  worker_ip: "node",
};
/** Flags with a key and a value. */
const PAIRS: Record<string, string> = {
  lora_modules: "peft_model_config",
  lm: "peft_model_config",
  env: "envs",
  ev: "envs",
  quantization_config: "quantization_config",
  qc: "quantization_config",
};
const LEFT_OUT = new Set(["e", "endpoint", "ak", "api_key"]);
const BARE = new Set(["wait", "no_wait"]);
/** Fields of which "none" is a value, and not that there is none. */
const NONE = new Set(["n_gpu", "quantization"]);
const DATA = new Set(["-d", "--data", "--data-raw", "--json"]);

/** The form that a pasted `launch` command, a curl of one, or a JSON body fills; null where it is none. Pure. */
export function pasted(text: string): Draft | null {
  if (text.trim().startsWith("{")) return fromJson(text);
  const words = wordsOf(text);
  if (words[0] === "curl") return fromJson(words[words.findIndex((word) => DATA.has(word)) + 1] ?? "");
  const start = words.indexOf("launch");
  return start < 0 ? null : fromFlags(words.slice(start + 1));
}

/** The words of a line of a shell: what is quoted is one, and a backslash takes the next as it is. Pure. */
export function wordsOf(text: string): string[] {
  const line = text.replace(/[\\^`]\r?\n/g, " ");
  const parts = line.match(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\])+/g) ?? [];
  return parts.map((part) =>
    part.replace(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g, (_, single, double, escaped) => {
      if (single !== undefined) return single;
      return double !== undefined ? double.replace(/\\(["\\$`])/g, "$1") : escaped;
    }),
  );
}

function fromJson(text: string): Draft | null {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body !== "object" || body === null || !("model_name" in body || "model_path" in body)) return null;
    return draftOf(body as Record<string, unknown>);
  } catch {
    return null;
  }
}

function fromFlags(words: readonly string[]): Draft | null {
  const body: Record<string, unknown> = {};
  const rest = [...words];
  while (rest.length > 0) {
    const [flag = "", ...value] = (rest.shift() ?? "").split("=");
    if (!/^--?[a-z]/i.test(flag)) return null;
    const given = flag.replace(/^-+/, "").replaceAll("-", "_");
    if (BARE.has(given)) continue;
    const pair = PAIRS[given];
    if (pair && value.length === 0 && !rest[0]?.startsWith("{")) {
      addPair(body, pair, rest.shift() ?? "", rest.shift() ?? "");
      continue;
    }
    const field = SHORT[given] ?? given;
    const isBare = value.length === 0 && /^(--?[a-z].*)?$/i.test(rest[0] ?? "");
    const text = value.length > 0 ? value.join("=") : isBare ? "true" : (rest.shift() ?? "");
    if (!LEFT_OUT.has(given))
      body[field] = text.toLowerCase() === "none" && !NONE.has(field) ? null : meant(field, text);
  }
  return "model_name" in body || "model_path" in body ? draftOf(body) : null;
}

/** A flag with two words: an adapter, or an entry of an object. */
function addPair(body: Record<string, unknown>, field: string, key: string, text: string): void {
  if (field === "peft_model_config") {
    const { lora_list = [] } = (body[field] ?? {}) as { lora_list?: object[] };
    body[field] = { lora_list: [...lora_list, { lora_name: key, local_path: text }] };
  } else body[field] = { ...(body[field] ?? {}), [key]: field === "envs" ? text : meant(field, text) };
}
