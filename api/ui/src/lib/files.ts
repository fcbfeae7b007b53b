/** A file as a data URL. */
export function dataUrl(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}

/** A picture as a data URL; null where this browser cannot read it as one. */
export async function pictureUrl(file: Blob): Promise<string | null> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return null;
  bitmap.close();
  return dataUrl(file);
}

/** The bytes of a data URL, with their type. */
export function blobOf(url: string): Blob {
  const [head = "", data = ""] = url.slice("data:".length).split(",", 2);
  const bytes = Uint8Array.from(atob(data), (sign) => sign.charCodeAt(0));
  return new Blob([bytes], { type: head.split(";")[0] ?? "" });
}
