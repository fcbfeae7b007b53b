import { expect, test } from "vitest";
import type { Replica } from "../api/types";
import { causesOf } from "./causes";

const replica = (error_message: string | null, next_try_ts: number | null) =>
  ({ error_message, next_try_ts }) as Replica;

test("each cause is told once, with the next try", () => {
  const replicas = [replica("no", 20), replica("no", 10), replica("bad", null), replica(null, null)];
  expect(causesOf(replicas)).toEqual({ causes: [{ text: "no" }, { text: "bad" }], nextTryMs: 10_000 });
  expect(causesOf([replica(null, null)])).toEqual({ causes: [], nextTryMs: null });
});
