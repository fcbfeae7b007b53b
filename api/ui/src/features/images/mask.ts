/** A step by which a mask was made, in pixels of the picture. What is painted is drawn anew; what is erased is not. */
export type Step =
  | { kind: "stroke"; erases: boolean; width: number; points: Point[] }
  | { kind: "rectangle"; erases: boolean; box: Box }
  | { kind: "picture"; picture: CanvasImageSource };

export interface Point {
  x: number;
  y: number;
}

export interface Box extends Point {
  width: number;
  height: number;
}

interface Size {
  width: number;
  height: number;
}

/** Where in a picture of this size a pointer is, whose place on the page and that of the picture are given. Pure. */
export function pointOf(at: { clientX: number; clientY: number }, shown: DOMRectReadOnly, size: Size): Point {
  return {
    x: ((at.clientX - shown.left) / shown.width) * size.width,
    y: ((at.clientY - shown.top) / shown.height) * size.height,
  };
}

/** The rectangle that was typed, as far as it lies in the picture; null where none of it does. Pure. */
export function boxOf(typed: Record<keyof Box, string>, size: Size): Box | null {
  const [x, y, width, height] = [typed.x || "0", typed.y || "0", typed.width, typed.height].map(Number);
  if (x === undefined || y === undefined || !(Number(width) > 0) || !(Number(height) > 0)) return null;
  const left = Math.max(0, x);
  const top = Math.max(0, y);
  const right = Math.min(size.width, x + Number(width));
  const bottom = Math.min(size.height, y + Number(height));
  return right > left && bottom > top ? { x: left, y: top, width: right - left, height: bottom - top } : null;
}

/**
 * Makes the pixels of a given mask white where they mark something, and transparent elsewhere: those that are
 * transparent do, as with OpenAI; where none is, the white ones, as with Stable Diffusion. `data`: as RGBA, changed.
 */
export function whiten(data: Uint8ClampedArray): void {
  const pixels = data.length / 4;
  const at = (pixel: number, channel: number) => data[pixel * 4 + channel] ?? 0;
  let hasHoles = false;
  for (let pixel = 0; pixel < pixels; pixel += 1) hasHoles ||= at(pixel, 3) < 128;
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    const grey = 0.299 * at(pixel, 0) + 0.587 * at(pixel, 1) + 0.114 * at(pixel, 2);
    const isMarked = hasHoles ? at(pixel, 3) < 128 : grey >= 127.5;
    data.set([255, 255, 255, isMarked ? 255 : 0], pixel * 4);
  }
}

/** The share of the pixels that are marked, from 0 to 1. `data`: as RGBA. Pure. */
export function shareOf(data: Uint8ClampedArray): number {
  let marked = 0;
  for (let alpha = 3; alpha < data.length; alpha += 4) if ((data[alpha] ?? 0) >= 128) marked += 1;
  return data.length > 0 ? marked / (data.length / 4) : 0;
}
