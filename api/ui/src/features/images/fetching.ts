import { errorOf, unreachable } from "../../api/errors";
import { type AskedJob, artifactUrl } from "../../api/jobs";
import { dataUrl } from "../../lib/files";
import type { Files } from "./draft";

/** The file at an address, as a data URL. Throws an ApiError where it cannot be had. */
export async function fileAt(url: string): Promise<string> {
  if (url.startsWith("data:")) return url;
  const response = await fetch(url).catch((cause: unknown) => {
    throw unreachable(cause);
  });
  if (!response.ok) throw errorOf(response, await response.json().catch(() => undefined));
  return dataUrl(await response.blob());
}

/** The files that a job was given. Throws as `fileAt` does. */
export async function filesOf({ files }: AskedJob): Promise<Files> {
  const { image, mask } = files;
  return {
    image: image ? await fileAt(artifactUrl(image.url)) : null,
    mask: mask ? await fileAt(artifactUrl(mask.url)) : null,
  };
}
