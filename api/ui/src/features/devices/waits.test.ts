import { expect, test } from "vitest";
import type { Model, ModelUnderway } from "../../api/types";
import { isHopeless, waitingJobs, waitingModels } from "./waits";

const model = (model_uid: string, state: ModelUnderway["state"], ...hopeless: boolean[]) =>
  ({ model_uid, state, replicas: hopeless.map((one) => ({ hopeless: one })) }) as ModelUnderway;

test("what waits for a device comes before what loads, and what failed waits for nothing", () => {
  const found = waitingModels([model("a", "loading"), model("b", "failed"), model("c", "waiting")]);
  expect(found.map(({ model_uid }) => model_uid)).toEqual(["c", "a"]);
});

test("a model is hopeless with any of its replicas", () => {
  expect(isHopeless(model("a", "waiting", false, true))).toBe(true);
  expect(isHopeless(model("a", "waiting", false))).toBe(false);
});

test("jobs are told by model, with what it does", () => {
  const models = [{ id: "a", state: "ready" }] as Model[];
  expect(waitingJobs({ b: 2, a: 2, c: 0, d: 5 }, models)).toEqual([
    { uid: "d", count: 5, state: null },
    { uid: "a", count: 2, state: "ready" },
    { uid: "b", count: 2, state: null },
  ]);
});
