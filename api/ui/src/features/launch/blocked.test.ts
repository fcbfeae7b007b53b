import { expect, test } from "vitest";
import { blockedBy, freeUid, isOfLaunch } from "./blocked";

const KNOWN = {
  uid: "a",
  models: [
    { id: "b", state: "ready" },
    { id: "f", state: "failed" },
  ] as const,
  isOut: false,
  error: null,
  shows: (field: string) => field === "n_ctx",
  hasNoRoom: false,
};
const error = (status: number, param: string | null = null) => ({ status, param });

test("nothing is in the way of a launch that the server takes", () => {
  expect(blockedBy(KNOWN)).toBeNull();
  expect(blockedBy({ ...KNOWN, uid: "f" })).toBeNull();
});

test("what the server would refuse is told once: at its field, or here", () => {
  expect(blockedBy({ ...KNOWN, uid: "b" })).toEqual({ why: "uid", uid: "b", free: "b-2" });
  expect(blockedBy({ ...KNOWN, isOut: true, error: error(400) })).toEqual({ why: "choice" });
  expect(blockedBy({ ...KNOWN, error: error(400, "n_ctx") })).toEqual({ why: "field", field: "n_ctx" });
  expect(blockedBy({ ...KNOWN, error: error(400, "other") })).toEqual({ why: "said" });
  expect(blockedBy({ ...KNOWN, error: error(404) })).toEqual({ why: "said" });
  expect(blockedBy({ ...KNOWN, hasNoRoom: true })).toEqual({ why: "room" });
});

test.each([0, 401, 408, 429, 500, 503, 504])("an estimate that could not be made (%d) blocks nothing", (status) => {
  expect(blockedBy({ ...KNOWN, error: error(status, "n_ctx") })).toBeNull();
});

test("what a hub does not show is no refusal of the launch", () => {
  expect(isOfLaunch("model_path", undefined)).toBe(false);
  expect(isOfLaunch("model_path", "hf:org/name")).toBe(false);
  expect(isOfLaunch("model_path", "org/name")).toBe(false);
  expect(isOfLaunch("model_path", "/nowhere")).toBe(true);
  expect(isOfLaunch("n_ctx", undefined)).toBe(true);
});

test("a free uid", () => {
  expect(freeUid("qwen3", ["qwen3"])).toBe("qwen3-2");
  expect(freeUid("qwen3-2", ["qwen3", "qwen3-2"])).toBe("qwen3-3");
});
