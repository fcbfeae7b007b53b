import { expect, test } from "vitest";
import { isLarge, sizeWithin } from "./shrinking";

test("a picture keeps its shape", () => {
  expect(sizeWithin({ width: 6000, height: 4000 }, 1 << 22)).toEqual({ width: 2508, height: 1672 });
  expect(sizeWithin({ width: 100, height: 50 }, 1 << 22)).toEqual({ width: 100, height: 50 });
  expect(sizeWithin({ width: 10_000_000, height: 1 }, 1 << 22).height).toBe(1);
});

test("what is large in bytes or in pixels", () => {
  const small = { width: 1000, height: 1000 };
  expect([isLarge(2 << 20, small), isLarge((2 << 20) + 1, small)]).toEqual([false, true]);
  expect(isLarge(1000, { width: 8000, height: 8000 })).toBe(true);
});
