import type { ReactNode } from "react";
/** What a part of the form is given. */
export interface FieldsProps {
  draft: Readonly<Record<string, string>>;
  set: (changes: Record<string, string>) => void;
  /** What the server says is wrong with a field. */
  fault: (name: string) => ReactNode;
}

/** Fields of a launch that stand under "More settings". */
export const TYPED = ["model_uid", "replica", "keep_alive", "min_replicas", "max_replicas", "request_limits"] as const;
export const OF_GPUS = ["n_gpu", "gpu_idx"] as const;
export const SWITCHES = ["pinned", "load_on_request", "trust_remote_code"] as const;
export const HUBS = ["huggingface", "modelscope"] as const;
export const FURTHER: readonly string[] = [
  ...TYPED,
  ...OF_GPUS,
  ...SWITCHES,
  "autostart",
  "node",
  "download_hub",
  "peft_model_config",
  "envs",
  "replica_config",
];

const OF_THE_MODEL = [
  "model_name",
  "model_path",
  "model_type",
  "model_engine",
  "model_format",
  "model_size_in_billions",
  "quantization",
];

/** Whether the form itself has this field, so that it is no further option of an engine. Pure. */
export function isOwn(field: string): boolean {
  return OF_THE_MODEL.includes(field) || FURTHER.includes(field);
}

/** Whether a parameter that is at fault is a field that is seen, and says so itself. Pure. */
export function isSeen(param: string, draft: Readonly<Record<string, string>>, more: readonly string[]): boolean {
  const [group = ""] = param.split(/[.[]/);
  if (["model_name", "name", "model_uid"].includes(group) || more.includes(param)) return true;
  return Boolean(draft[group]?.trim()) && (group === "model_path" || FURTHER.includes(group));
}

/** Fields that are filled in and have no place of their own in the form. Pure. */
export function othersOf(draft: Readonly<Record<string, string>>, options: readonly string[]): string[] {
  const known = new Set([...OF_THE_MODEL, ...FURTHER, ...options]);
  return Object.keys(draft).filter((field) => !known.has(field));
}
