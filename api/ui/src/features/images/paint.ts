import { type Step, shareOf, whiten } from "./mask";

const TINT = "#e0218a";
/** A mask has no more pixels along a side than this: a picture that is larger is marked at this size. */
const MOST_SIDE = 2048;

/** The size at which a picture is marked. */
export function sizeFor(picture: { naturalWidth: number; naturalHeight: number }): { width: number; height: number } {
  const { naturalWidth: width, naturalHeight: height } = picture;
  const scale = Math.min(1, MOST_SIDE / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** Shows on a canvas what the steps have marked, in a colour, over the picture that lies below it. */
export function show(canvas: HTMLCanvasElement, steps: readonly Step[]): void {
  const brush = marked(canvas, steps);
  fill(brush, "source-in", TINT);
}

/** What the steps have marked as an opaque PNG, white where it is drawn anew; null where nothing is marked. */
export function maskOf(size: { width: number; height: number }, steps: readonly Step[]) {
  const canvas = Object.assign(document.createElement("canvas"), size);
  const brush = marked(canvas, steps);
  const share = shareOf(brush.getImageData(0, 0, size.width, size.height).data);
  fill(brush, "destination-over", "#000000");
  return { share, mask: share > 0 ? canvas.toDataURL("image/png") : null };
}

/** A given mask as a step. Throws where it is no picture. */
export async function stepOf(mask: Blob): Promise<Step> {
  const picture = await createImageBitmap(mask);
  const { width, height } = picture;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const brush = brushOf(canvas);
  brush.drawImage(picture, 0, 0);
  const pixels = brush.getImageData(0, 0, width, height);
  whiten(pixels.data);
  brush.putImageData(pixels, 0, 0);
  return { kind: "picture", picture: canvas };
}

/** Draws the steps, in white on nothing. */
function marked(canvas: HTMLCanvasElement, steps: readonly Step[]): CanvasRenderingContext2D {
  const brush = brushOf(canvas);
  brush.globalCompositeOperation = "source-over";
  brush.clearRect(0, 0, canvas.width, canvas.height);
  for (const step of steps) {
    const erases = step.kind !== "picture" && step.erases;
    brush.globalCompositeOperation = erases ? "destination-out" : "source-over";
    brush.fillStyle = brush.strokeStyle = "#ffffff";
    if (step.kind === "picture") brush.drawImage(step.picture, 0, 0, canvas.width, canvas.height);
    else if (step.kind === "rectangle") brush.fillRect(step.box.x, step.box.y, step.box.width, step.box.height);
    else stroke(brush, step);
  }
  return brush;
}

function stroke(brush: CanvasRenderingContext2D, { width, points }: Extract<Step, { kind: "stroke" }>): void {
  brush.lineCap = brush.lineJoin = "round";
  brush.lineWidth = width;
  brush.beginPath();
  const [first] = points;
  if (first) brush.moveTo(first.x, first.y);
  for (const { x, y } of points) brush.lineTo(x, y);
  brush.stroke();
}

function fill(brush: CanvasRenderingContext2D, operation: GlobalCompositeOperation, colour: string): void {
  brush.globalCompositeOperation = operation;
  brush.fillStyle = colour;
  brush.fillRect(0, 0, brush.canvas.width, brush.canvas.height);
}

function brushOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const brush = canvas.getContext("2d", { willReadFrequently: true });
  if (!brush) throw new Error("this browser has no canvas");
  return brush;
}
