import { expect, test } from "vitest";
import type { Device } from "../../api/types";
import { appended, loadOf, SPAN_MS, spanOf } from "./history";

const device = (id: string, utilization: number | null, used_bytes: number | null) =>
  ({ id, utilization, used_bytes, total_bytes: 100 }) as Device;

test("a device is as busy and as full as it says, and what it does not say is not known", () => {
  expect(loadOf([device("a", 0.5, 25), device("b", null, null), device("c", 0, 130)], 7)).toEqual({
    atMs: 7,
    busy: { a: 0.5, b: null, c: 0 },
    full: { a: 0.25, b: null, c: 1 },
  });
});

test("what is older than the charts is forgotten, and one moment is there once", () => {
  const loads = [0, 10, SPAN_MS, SPAN_MS + 5, SPAN_MS + 5].map((atMs) => loadOf([], atMs));
  expect(loads.reduce(appended, []).map(({ atMs }) => atMs)).toEqual([10, SPAN_MS, SPAN_MS + 5]);
});

test("a chart goes as far back as was seen, in whole minutes", () => {
  expect([[], [0], [0, 59_000], [0, 61_000], [7000, 10_000_000]].map(spanOf)).toEqual([
    60_000,
    60_000,
    60_000,
    120_000,
    SPAN_MS,
  ]);
});
