/** What a model can be shown. */
export type Kind = "image" | "audio";

/** The kind of a file by its type; null where it is neither. */
export function kindOfFile(file: { type: string }): Kind | null {
  if (file.type.startsWith("image/")) return "image";
  return file.type.startsWith("audio/") ? "audio" : null;
}

/** A file as a data URL, if it is one of these kinds and this browser can read it; null if not. */
export async function urlOf(file: File, kinds: readonly Kind[]): Promise<string | null> {
  const kind = kindOfFile(file);
  if (!kind || !kinds.includes(kind)) return null;
  if (kind === "image") {
    const bitmap = await createImageBitmap(file).catch(() => null);
    if (!bitmap) return null;
    bitmap.close();
  }
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** The bytes of a data URL, with their type. */
export function blobOf(url: string): Blob {
  const [head = "", data = ""] = url.slice("data:".length).split(",", 2);
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  return new Blob([bytes], { type: head.split(";")[0] ?? "" });
}
