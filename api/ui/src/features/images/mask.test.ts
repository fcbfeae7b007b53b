import { expect, test } from "vitest";
import { boxOf, pointOf, shareOf, whiten } from "./mask";

const SIZE = { width: 200, height: 100 };

test("a place on the page as a place in the picture", () => {
  const shown = { left: 10, top: 20, width: 100, height: 50 } as DOMRectReadOnly;
  expect(pointOf({ clientX: 60, clientY: 45 }, shown, SIZE)).toEqual({ x: 100, y: 50 });
});

test.each([
  [
    { x: "10", y: "20", width: "30", height: "40" },
    { x: 10, y: 20, width: 30, height: 40 },
  ],
  [
    { x: "", y: "", width: "999", height: "999" },
    { x: 0, y: 0, width: 200, height: 100 },
  ],
  [
    { x: "-10", y: "90", width: "20", height: "20" },
    { x: 0, y: 90, width: 10, height: 10 },
  ],
  [{ x: "200", y: "0", width: "1", height: "1" }, null],
  [{ x: "0", y: "0", width: "", height: "1" }, null],
  [{ x: "0", y: "0", width: "1", height: "-1" }, null],
  [{ x: "a", y: "0", width: "1", height: "1" }, null],
])("the rectangle %j", (typed, box) => {
  expect(boxOf(typed, SIZE)).toEqual(box);
});

const [BLACK, WHITE, HOLE] = [
  [0, 0, 0, 255],
  [255, 255, 255, 255],
  [0, 0, 0, 0],
] as const;

test("a mask marks its transparent parts, or else its white ones", () => {
  const opaque = Uint8ClampedArray.from([...BLACK, ...WHITE]);
  whiten(opaque);
  expect([...opaque]).toEqual([255, 255, 255, 0, 255, 255, 255, 255]);
  const pierced = Uint8ClampedArray.from([...WHITE, ...HOLE, ...BLACK, ...BLACK]);
  whiten(pierced);
  expect([pierced[3], pierced[7], pierced[11]]).toEqual([0, 255, 0]);
  expect(shareOf(pierced)).toBe(0.25);
  expect(shareOf(new Uint8ClampedArray())).toBe(0);
});
