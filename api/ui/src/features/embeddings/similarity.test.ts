import { expect, test } from "vitest";
import { closest, cosine, norm, shade, similarities } from "./similarity";

test("the cosine depends on the direction alone", () => {
  expect(cosine([1, 2], [2, 4])).toBeCloseTo(1);
  expect(cosine([1, 0], [0, 3])).toBe(0);
  expect(cosine([1, 0], [-2, 0])).toBe(-1);
  expect(cosine([0, 0], [1, 1])).toBe(0);
  expect(norm([3, 4])).toBe(5);
});

test("the most similar pairs come first, each once", () => {
  const matrix = similarities([
    [1, 0],
    [0, 1],
    [1, 0.1],
  ]);
  expect(closest(matrix, 2).map(({ one, other }) => [one, other])).toEqual([
    [0, 2],
    [1, 2],
  ]);
});

test("shades are bounded", () => {
  expect([-1, 0, 0.5, 1, 1.0001].map(shade)).toEqual([0, 0, 3, 5, 5]);
});
