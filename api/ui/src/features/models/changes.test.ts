import { expect, test } from "vitest";
import type { Model } from "../../api/types";
import { changesOf, settingsOf } from "./changes";

const model = { pinned: false, autostart: true, keep_alive: 300, min_replicas: null, max_replicas: 2 } as Model;
const before = settingsOf(model);

test("a form holds what is set", () => {
  expect(before).toEqual({ pinned: false, autostart: true, keepAlive: "300", minReplicas: "", maxReplicas: "2" });
});

test("only what differs is changed", () => {
  expect(changesOf(before, before)).toEqual({});
  expect(changesOf(before, { ...before, pinned: true })).toEqual({ pinned: true });
  expect(changesOf(before, { ...before, autostart: false })).toEqual({ autostart: false });
  expect(changesOf(before, { ...before, keepAlive: " ", minReplicas: "1", maxReplicas: "" })).toEqual({
    keep_alive: null,
    min_replicas: 1,
    max_replicas: null,
  });
});

test("what is no number is left to the server, which says what is wrong", () => {
  expect(changesOf(before, { ...before, keepAlive: "5m", maxReplicas: "many" })).toEqual({
    keep_alive: "5m",
    max_replicas: "many",
  });
});
