import { dataUrl } from "../../lib/files";
import { type Fitted, fitted } from "../../lib/shrinking";

/** What a model can be shown. */
export type Kind = "image" | "audio";

/** The kind of a file by its type; null where it is neither. */
export function kindOfFile(file: { type: string }): Kind | null {
  if (file.type.startsWith("image/")) return "image";
  return file.type.startsWith("audio/") ? "audio" : null;
}

/** A file as a data URL, if it is one of these kinds and this browser can read it; null if not. */
export async function fittedFile(file: File, kinds: readonly Kind[]): Promise<Fitted | null> {
  const kind = kindOfFile(file);
  if (!kind || !kinds.includes(kind)) return null;
  return kind === "image" ? fitted(file) : { url: await dataUrl(file), shrunk: null };
}
