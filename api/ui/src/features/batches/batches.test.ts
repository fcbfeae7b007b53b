import { expect, test } from "vitest";
import { OPEN } from "../../api/batches";
import { leftOf, sharesOf } from "./counts";
import { searchOf, statesOf } from "./search";

test("an address says which batches are shown, and of what a new one is made", () => {
  expect(searchOf({ tab: "open", after: "batch_1", file: "file-1", more: 1 })).toEqual({
    tab: "open",
    after: "batch_1",
    file: "file-1",
  });
  expect(searchOf({ tab: "nonsense", after: 1, file: "" })).toEqual({});
});

test("the states of a tab", () => {
  expect(statesOf(undefined)).toEqual([]);
  expect(statesOf("open")).toEqual(OPEN);
  expect(statesOf("failed")).toEqual(["failed"]);
});

test("the shares of lines", () => {
  expect(sharesOf({ total: 8, completed: 4, failed: 1 })).toEqual({ completed: 0.5, failed: 0.125 });
  expect(sharesOf({ total: 0, completed: 0, failed: 0 })).toBeNull();
  expect(leftOf({ total: 8, completed: 4, failed: 1 })).toBe(3);
  expect(leftOf({ total: 0, completed: 0, failed: 2 })).toBe(0);
});
