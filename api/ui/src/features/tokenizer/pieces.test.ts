import { expect, test } from "vitest";
import { idsOf, shown } from "./pieces";

test("blanks and ends of lines are seen", () => {
  expect([" a", "Ġb", "▁c", "\n", "Ċ", "\t", ""].map(shown)).toEqual(["␣a", "␣b", "␣c", "⏎", "⏎", "⇥", "∅"]);
});

test("ids are read from whatever they are written in", () => {
  expect(idsOf("[1, 22,\n333]")).toEqual([1, 22, 333]);
  expect(idsOf("none")).toEqual([]);
});
