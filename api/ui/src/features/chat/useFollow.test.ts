import { expect, test } from "vitest";
import { isAtEnd } from "./useFollow";

test.each([
  [0, 100, 100, true],
  [892, 100, 1000, true],
  [891, 100, 1000, false],
])("scrolled to %i, %i of %i in sight", (top, height, whole, expected) => {
  expect(isAtEnd(top, height, whole)).toBe(expected);
});
