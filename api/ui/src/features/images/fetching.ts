import { errorOf, unreachable } from "../../api/errors";
import { type AskedJob, artifactUrl } from "../../api/jobs";
import { dataUrl } from "../../lib/files";
import { type FileName, type Files, type Mode, NO_FILES, takenOf } from "./modes";

/** The file at an address, as a data URL. Throws an ApiError where it cannot be had. */
export async function fileAt(url: string): Promise<string> {
  if (url.startsWith("data:")) return url;
  const response = await fetch(url).catch((cause: unknown) => {
    throw unreachable(cause);
  });
  if (!response.ok) throw errorOf(response, await response.json().catch(() => undefined));
  return dataUrl(await response.blob());
}

/** The files that a job was given, as the page names them. Throws as `fileAt` does. */
export async function filesGiven({ files }: AskedJob, mode: Mode): Promise<Files> {
  const found: Partial<Files> = {};
  for (const name of Object.keys(NO_FILES) as FileName[]) {
    const file = files[name];
    if (file) found[name] = await fileAt(artifactUrl(file.url));
  }
  return takenOf(mode, found);
}
