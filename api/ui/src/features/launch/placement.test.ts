import { expect, test } from "vitest";
import { entriesOf, keyOf, placed, resized, seatsOf } from "./placement";

const DEVICES = [
  { id: "my.box.cpu", node: "my.box", kind: "cpu" },
  { id: "my.box.cuda:1", node: "my.box", kind: "cuda" },
  { id: "my.box.cuda:0.2", node: "my.box", kind: "cuda" },
  { id: "mac.metal", node: "mac", kind: "metal" },
] as const;

test("devices are places as the API names them", () => {
  expect(seatsOf(DEVICES).map(({ name, entry }) => [name, entry.devices])).toEqual([
    ["my.box.cpu", [{ worker_ip: "my.box", n_gpu: "None" }]],
    ["my.box.cuda:1", [{ worker_ip: "my.box", gpu_idx: [1] }]],
    ["mac.metal", [{ worker_ip: "mac", n_gpu: 1 }]],
  ]);
});

test("a place that came with a command is found among the devices", () => {
  const [cpu, gpu] = seatsOf(DEVICES);
  expect(keyOf({ devices: [{ worker_ip: "my.box", gpu_idx: 1 }] })).toBe(gpu?.key);
  expect(keyOf({ devices: [{ worker_ip: "my.box", n_gpu: "None" }] })).toBe(cpu?.key);
  expect(keyOf({ devices: [] })).toBe("");
  expect(keyOf({})).toBe("");
});

test("there are as many places as replicas", () => {
  const two = resized("", "2");
  expect(two).toBe("[{},{}]");
  const first = placed(two, 0, { devices: [{ worker_ip: "n", n_gpu: "None" }] });
  expect(resized(first, "3")).toBe('[{"devices":[{"worker_ip":"n","n_gpu":"None"}]},{},{}]');
  expect(resized(first, "1")).toBe('[{"devices":[{"worker_ip":"n","n_gpu":"None"}]}]');
  expect(resized("", "many")).toBe("[{}]");
  expect(entriesOf(resized("", "999"))?.length).toBe(64);
  expect(entriesOf("{}")).toBeNull();
  expect(entriesOf("x")).toBeNull();
});
