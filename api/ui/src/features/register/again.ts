import { type Json, written } from "./draft";

/** What is told of a model that is registered, and is no part of a description. */
const TOLD = [
  "model_description_zh",
  "is_builtin",
  "engines",
  "unserved",
  "options",
  "aliases",
  "licences",
  "model_type",
  "needs_code",
  "base",
];

/** The description of a registered model, under another name, to be changed and registered. Pure. */
export function again(registration: Json, name: string): string {
  const { model_description: description, ...said } = without(registration) as Json;
  // One that the server has made of the other fields is made anew.
  const isMade = String(description ?? "").startsWith(`${registration["model_name"]} is a`);
  return written({ ...said, model_name: name, ...(!isMade && description ? { model_description: description } : {}) });
}

/** A value without what is empty, and without what is told beside a description. */
function without(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(without);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value)
    .filter(([name]) => !TOLD.includes(name))
    .map(([name, inner]) => [name, without(inner)] as const)
    .filter(([, inner]) => !isEmpty(inner));
  return Object.fromEntries(kept);
}

function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

/** A name that none of these has: `mine-2`, `mine-3` … */
export function freeName(name: string, taken: readonly string[]): string {
  const stem = name.replace(/-\d+$/, "");
  let number = 2;
  while (taken.includes(`${stem}-${number}`)) number += 1;
  return `${stem}-${number}`;
}
