import { expect, test } from "vitest";
import type { ModelUnderway } from "../api/types";
import { downloadOf, reasonsOf } from "./underway";

test("a reason of several replicas is said once", () => {
  const replicas = [{ info: "no room" }, { info: "" }, { info: "no room" }, { info: "no file" }];
  expect(reasonsOf({ replicas } as ModelUnderway).map(({ info }) => info)).toEqual(["no room", "no file"]);
  expect(reasonsOf(undefined)).toEqual([]);
});

test("of replicas that wait for each other's files the farthest is shown", () => {
  const at = (bytes: number) => ({ download: { bytes, total_bytes: 9, bytes_per_s: 1, eta_s: null, files: [] } });
  const replicas = [{ download: null }, at(1), at(3)] as ModelUnderway["replicas"];
  expect(downloadOf({ replicas })?.bytes).toBe(3);
  expect(downloadOf({ replicas: [] })).toBeNull();
});
