import { expect, test } from "vitest";
import { holding, MOST_LINES, missed, pushed, untimed } from "./lines";

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => {
    const number = from + index;
    return { number, time: number, replica_id: "a-0", text: number % 2 ? `Odd ${number}` : `even ${number}` };
  });

test("the oldest lines go when there are too many", () => {
  expect(pushed(lines(0, 3), lines(3, 5)).map((line) => line.number)).toEqual([0, 1, 2, 3, 4]);
  const many = pushed(lines(0, 900), lines(900, 1300));
  expect([many.length, many[0]?.number, many.at(-1)?.number]).toEqual([MOST_LINES, 300, 1299]);
});

test("a search does not look at the case", () => {
  expect(holding(lines(0, 4), " ODD ").map((line) => line.number)).toEqual([1, 3]);
  expect(holding(lines(0, 4), " ")).toHaveLength(4);
  expect(holding(lines(0, 4), "none")).toEqual([]);
});

test("what came since is counted", () => {
  expect(missed(lines(0, 9), lines(0, 5))).toBe(4);
  expect(missed([], lines(0, 5))).toBe(0);
});

test.each([
  ["10:46:10.552Z INFO workers: loaded", "INFO workers: loaded"],
  ["2026-11-30 10:46:10,552 loaded", "loaded"],
  ["[10:46:10] loaded", "loaded"],
  ["loaded at 10:46:10", "loaded at 10:46:10"],
  ["10:46 loaded", "10:46 loaded"],
  ["  indented", "  indented"],
])("a line says its time once: %s", (text, shown) => {
  expect(untimed(text)).toBe(shown);
});
