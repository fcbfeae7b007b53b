import { expect, test } from "vitest";
import { ACTIONS, filtersOf, fits, STATES } from "./search";

test("an address says which jobs are shown", () => {
  expect(filtersOf({ state: "failed", model: 7, after: "job_1", other: 1 })).toEqual({
    state: "failed",
    model: "7",
    after: "job_1",
  });
  expect(filtersOf({ state: "nonsense", model: "" })).toEqual({});
});

test("what can be done to a job in a state", () => {
  const possible = STATES.map((state) => ACTIONS.filter((action) => fits(action, state)));
  expect(possible).toEqual([
    ["cancel"],
    ["cancel"],
    ["delete"],
    ["retry", "delete"],
    ["retry", "delete"],
    ["retry", "delete"],
  ]);
});
