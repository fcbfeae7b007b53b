import { expect, test } from "vitest";
import { lasting } from "./times";

test("a span is told in its largest unit, and never as too short", () => {
  expect([40, 61, 3600].map((one) => lasting(one, "en"))).toEqual(["40 sec", "2 min", "1 hr"]);
});
