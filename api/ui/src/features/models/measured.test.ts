import { expect, test } from "vitest";
import type { Device } from "../../api/types";
import { measuredOf } from "./measured";

test("a model's memory is counted over its replicas, where it is known", () => {
  const holder = (model_uid: string, measured_bytes: number | null) => ({ model_uid, measured_bytes });
  const devices = [{ holders: [holder("a", 5), holder("b", null)] }, { holders: [holder("a", 2)] }];
  expect(measuredOf(devices as unknown as Device[])).toEqual({ a: 7 });
});
