import { expect, test } from "vitest";
import type { Device } from "../../api/types";
import { sumsOf, waitingAt } from "./ledger";

const sizes = { measured_bytes: 30, reserved_bytes: 50, used_bytes: 70, free_bytes: 30, total_bytes: 100 };

test("models, others and what is free are all of the memory", () => {
  const sums = sumsOf(sizes as Device);
  expect(sums).toEqual({ measured: 30, reserved: 50, others: 40, free: 30 });
  expect(sums.measured + (sums.others ?? 0) + (sums.free ?? 0)).toBe(sizes.total_bytes);
});

test("of a device that is silent nothing is guessed", () => {
  const silent = { ...sizes, used_bytes: null, free_bytes: null } as Device;
  expect(sumsOf(silent)).toMatchObject({ others: null, free: null });
});

test("jobs wait at a device for each model that it holds, once", () => {
  const holders = ["a", "a", "b"].map((model_uid) => ({ model_uid }));
  expect(waitingAt({ holders } as Device, { a: 3, c: 9 })).toBe(3);
});
