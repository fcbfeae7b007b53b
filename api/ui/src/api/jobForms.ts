import { blobOf } from "../lib/files";
import { posted } from "./asking";
import { submitJob } from "./jobs";

/** A job that is asked for. `files`: as data URLs, by the names that its endpoint has for them. */
export interface FileJob {
  kind: string;
  model: string;
  input: Record<string, unknown>;
  files: Record<string, string>;
}

/** Where requests of a kind go, under `v1/`. Pure. */
export function pathOf(kind: string): string {
  return kind.startsWith("videos.") ? "videos" : kind.replace(".", "/");
}

/**
 * Submits a job. One with files goes as a form to its endpoint, as a body of JSON may not be as large as a photo.
 * Throws an ApiError whose `param` is a field of the input, which may have `input.` before it.
 */
export async function submitWithFiles({ kind, model, input, files }: FileJob): Promise<void> {
  if (Object.keys(files).length === 0) {
    await submitJob({ kind, model, input });
    return;
  }
  const form = formOf({ model, ...input });
  for (const [name, url] of Object.entries(files)) form.set(name, blobOf(url), name);
  await posted(`v1/${pathOf(kind)}`, form, new AbortController().signal, { Prefer: "respond-async" });
}

/** The fields as those of a form: what is no text as JSON. Pure. */
export function formOf(fields: Record<string, unknown>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields))
    form.set(name, typeof value === "string" ? value : JSON.stringify(value));
  return form;
}
