import { expect, test } from "vitest";
import { choicesOf, shownOf } from "./search";

test("an address says what is shown, and what it does not know is left out", () => {
  expect(shownOf({ model: 7, level: "errors", pages: 3 })).toEqual({ model: "7", level: "errors", pages: 3 });
  expect(shownOf({ model: "", level: "worse", pages: 1 })).toEqual({});
  expect(shownOf({ pages: 1.5 })).toEqual({});
  expect(shownOf({ pages: 99 })).toEqual({ pages: 10 });
});

test("models that are gone may be chosen too, each once", () => {
  expect(choicesOf(["b", "a"], ["gone", "a"], "old")).toEqual(["a", "b", "gone", "old"]);
});
