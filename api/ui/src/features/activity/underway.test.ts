import { expect, test } from "vitest";
import type { Model, ModelProgress } from "../../api/types";
import { downloadOf, failureOf, reasonsOf, stillHidden, underway } from "./underway";

const model = (id: string, state: Model["state"], created = 1) => ({ id, state, created }) as Model;
const progress = (...replicas: unknown[]) => ({ replicas }) as ModelProgress;

test("what loads, waits or failed is under way, less what was hidden", () => {
  const models = [model("a", "ready"), model("b", "loading"), model("c", "waiting"), model("d", "failed")];
  const found = underway([...models, model("e", "failed"), model("f", "dormant")], [failureOf(model("e", "failed"))]);
  expect(found.moving.map(({ id }) => id)).toEqual(["b", "c"]);
  expect(found.failed.map(({ id }) => id)).toEqual(["d"]);
});

test("a failure stays hidden while it is tried again, and no longer than that launch", () => {
  const hidden = ["1 a"];
  expect(stillHidden(hidden, [model("a", "loading")])).toEqual(hidden);
  expect(stillHidden(hidden, [model("a", "ready")])).toEqual([]);
  expect(stillHidden(hidden, [model("a", "failed", 2)])).toEqual([]);
  expect(stillHidden(hidden, [])).toEqual([]);
});

test("downloads are summed, and the slowest says how long", () => {
  const one = { download: { bytes: 10, total_bytes: 40, eta_s: 3 } };
  const two = { download: { bytes: 5, total_bytes: 60, eta_s: 7 } };
  expect(downloadOf(progress(one, two, { download: null }))).toEqual({ bytes: 15, total: 100, left: 7 });
  const unknown = { download: { bytes: 0, total_bytes: 1, eta_s: null } };
  expect(downloadOf(progress(one, unknown))?.left).toBeNull();
  expect(downloadOf(progress({ download: null }))).toBeNull();
});

test("a reason of several replicas is said once", () => {
  expect(reasonsOf(progress({ info: "no room" }, { info: "" }, { info: "no room" }))).toBe("no room");
  expect(reasonsOf(undefined)).toBe("");
});
