import { expect, test } from "vitest";
import { lasting, minutes } from "./times";

test("a span is told in its largest unit, and never as too short", () => {
  expect([40, 61, 3600].map((one) => lasting(one, "en"))).toEqual(["40 sec", "2 min", "1 hr"]);
});

test("a place in a recording is told as players tell it", () => {
  expect([-1, 7.9, 725, 3723].map(minutes)).toEqual(["0:00", "0:07", "12:05", "1:02:03"]);
});
