import { expect, test } from "vitest";
import { filtersOf, knownPurpose } from "./search";

test("an address says which files are shown", () => {
  expect(filtersOf({ purpose: "batch_output", order: "asc", after: "file-1", more: 1 })).toEqual({
    purpose: "batch_output",
    order: "asc",
    after: "file-1",
  });
  expect(filtersOf({ purpose: "nonsense", order: "desc", after: "" })).toEqual({});
});

test("a purpose without a name here is none", () => {
  expect(knownPurpose("batch")).toBe("batch");
  expect(knownPurpose("new one")).toBeUndefined();
});
