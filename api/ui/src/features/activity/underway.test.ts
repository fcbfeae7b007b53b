import { expect, test } from "vitest";
import type { ModelUnderway } from "../../api/types";
import { failureOf, stillHidden, underway } from "./underway";

const model = (model_uid: string, state: ModelUnderway["state"], created = 1) =>
  ({ model_uid, state, created }) as ModelUnderway;

test("what loads, waits or failed is under way, less what was hidden", () => {
  const models = [model("b", "loading"), model("c", "waiting"), model("d", "failed"), model("e", "failed")];
  const found = underway(models, [failureOf(model("e", "failed"))]);
  expect(found.moving.map(({ model_uid }) => model_uid)).toEqual(["b", "c"]);
  expect(found.failed.map(({ model_uid }) => model_uid)).toEqual(["d"]);
});

test("a failure stays hidden while it is tried again, and no longer than that launch", () => {
  const hidden = ["1 a"];
  expect(stillHidden(hidden, [model("a", "loading")])).toEqual(hidden);
  expect(stillHidden(hidden, [model("a", "failed", 2)])).toEqual([]);
  expect(stillHidden(hidden, [])).toEqual([]);
});
