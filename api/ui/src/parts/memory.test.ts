import { expect, test } from "vitest";
import type { Device } from "../api/types";
import { partsOf } from "./memory";

type Holder = Device["holders"][number];

const holder = (model_uid: string, reserved_bytes: number | null, measured_bytes: number | null): Holder => ({
  replica_id: `${model_uid}-0`,
  model_uid,
  reserved_bytes,
  measured_bytes,
  idle: true,
});

const device = (used_bytes: number | null, ...holders: Holder[]) => ({ used_bytes, holders }) as unknown as Device;

test("what is measured, what is still to come, and what others have", () => {
  expect(partsOf(device(70, holder("a", 50, 40), holder("b", 20, null)))).toEqual([
    { name: "", bytes: 30, kind: "other" },
    { name: "a", bytes: 40, kind: "held" },
    { name: "a", bytes: 10, kind: "reserved" },
    { name: "b", bytes: 20, kind: "reserved" },
  ]);
});

test("what is more than was reserved owes nothing, and what is not known takes nothing", () => {
  expect(partsOf(device(null, holder("a", 10, 40), holder("b", null, null)))).toEqual([
    { name: "a", bytes: 40, kind: "held" },
  ]);
});
