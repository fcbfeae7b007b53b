import { dataUrl } from "./files";

/** Width and height, in pixels. */
export interface Size {
  width: number;
  height: number;
}

/** A picture as a data URL. `shrunk`: its size, and its bytes, where it was made smaller; null where it is as it was. */
export interface Fitted {
  url: string;
  shrunk: (Size & { bytes: number }) | null;
}

/** A picture of more bytes than this is made smaller: a request holds those of all messages of a conversation. */
const MOST_BYTES = 2 << 20;
/** The server takes no picture of more pixels. */
const MOST_PIXELS = 33_000_000;
/** What is made smaller has no more pixels than this, which few models look at. */
const KEPT_PIXELS = 1 << 22;
const QUALITY = 0.9;

/** The size of the same shape that has so many pixels at most. Pure. */
export function sizeWithin({ width, height }: Size, most: number): Size {
  const scale = Math.min(1, Math.sqrt(most / (width * height)));
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}

/** Whether a picture is too large to be sent in a message as it is. Pure. */
export function isLarge(bytes: number, { width, height }: Size): boolean {
  return bytes > MOST_BYTES || width * height > MOST_PIXELS;
}

/** A picture as a data URL, made smaller if it is large; null where this browser cannot read it as a picture. */
export async function fitted(file: Blob): Promise<Fitted | null> {
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return null;
  try {
    if (!isLarge(file.size, picture)) return { url: await dataUrl(file), shrunk: null };
    const size = sizeWithin(picture, KEPT_PIXELS);
    const smaller = await drawnAt(picture, size);
    return smaller && { url: await dataUrl(smaller), shrunk: { ...size, bytes: smaller.size } };
  } finally {
    picture.close();
  }
}

/** A picture at this size, as JPEG; what is transparent in it is white. Null where this browser has no canvas. */
function drawnAt(picture: ImageBitmap, size: Size): Promise<Blob | null> {
  const canvas = Object.assign(document.createElement("canvas"), size);
  const brush = canvas.getContext("2d");
  if (!brush) return Promise.resolve(null);
  brush.fillStyle = "#ffffff";
  brush.fillRect(0, 0, size.width, size.height);
  brush.imageSmoothingQuality = "high";
  brush.drawImage(picture, 0, 0, size.width, size.height);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
}
