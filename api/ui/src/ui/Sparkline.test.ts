import { expect, test } from "vitest";
import { runs } from "./Sparkline";

test("a line is not drawn over a time of which nothing is known", () => {
  const values = [null, 0.1, 0.2, null, null, 0.3];
  const found = runs(values.map((value, atMs) => ({ atMs, value })));
  expect(found.map((run) => run.map(({ value }) => value))).toEqual([[0.1, 0.2], [0.3]]);
});
