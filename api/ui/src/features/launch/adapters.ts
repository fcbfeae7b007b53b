/** An adapter: how requests call it, and where it lies. */
export interface Adapter {
  name: string;
  path: string;
}

/** The adapters of the field `peft_model_config`; null where it holds something else than a list of them. Pure. */
export function adaptersOf(text: string): Adapter[] | null {
  if (!text.trim()) return [];
  try {
    const found: unknown = JSON.parse(text);
    if (!isObject(found) || Object.keys(found).some((key) => key !== "lora_list")) return null;
    const list = found["lora_list"] ?? [];
    if (!Array.isArray(list) || !list.every(isObject)) return null;
    return list.map((one) => ({ name: String(one["lora_name"] ?? ""), path: String(one["local_path"] ?? "") }));
  } catch {
    return null;
  }
}

/** The field for some adapters; empty for none. Pure. */
export function fieldOf(adapters: readonly Adapter[]): string {
  if (adapters.length === 0) return "";
  return JSON.stringify({ lora_list: adapters.map(({ name, path }) => ({ lora_name: name, local_path: path })) });
}

/** Whether a value of JSON is an object. Pure. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
