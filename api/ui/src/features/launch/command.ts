import { quoted } from "../../parts/code";
import { adaptersOf, isObject } from "./adapters";
import type { Body } from "./draft";

/** Where the command line looks by itself. */
const USUAL = "127.0.0.1:9997";

/** A launch as a command for the server at this address. Pure. */
export function commandOf(body: Body, server: string): string {
  const flags = Object.entries(body).flatMap(([field, value]) => {
    const adapters = field === "peft_model_config" ? adaptersOf(JSON.stringify(value)) : null;
    if (adapters) return adapters.map(({ name, path }) => `--lora-modules ${quoted(name)} ${quoted(path)}`);
    if (field === "envs" && isObject(value))
      return Object.entries(value).map(([name, text]) => `--env ${quoted(name)} ${quoted(String(text))}`);
    return [`${flagOf(field)} ${quoted(wordOf(field, value))}`];
  });
  return ["headrace launch", ...(server.endsWith(`//${USUAL}`) ? [] : [`--endpoint ${quoted(server)}`]), ...flags].join(
    " \\\n  ",
  );
}

function flagOf(field: string): string {
  return field === "model_size_in_billions" ? "--size-in-billions" : `--${field.replaceAll("_", "-")}`;
}

function wordOf(field: string, value: unknown): string {
  if (field === "gpu_idx" && Array.isArray(value)) return value.join(",");
  return typeof value === "string" ? value : JSON.stringify(value);
}
