import { expect, test } from "vitest";
import { moved, shownToken } from "./tokens";

test("blanks of a token are seen", () => {
  expect([" a", "\n", ""].map(shownToken)).toEqual(["␣a", "↵", "∅"]);
});

test.each([
  ["ArrowRight", 0, 1],
  ["ArrowLeft", 0, null],
  ["End", 0, 2],
  ["ArrowRight", 2, null],
  ["a", 1, null],
])("%s from %i", (key, at, expected) => {
  expect(moved(key, at, 3)).toBe(expected);
});
