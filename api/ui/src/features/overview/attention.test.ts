import { expect, test } from "vitest";
import type { Device, LostDevice, Model } from "../../api/types";
import { attention } from "./attention";

const model = (id: string, state: Model["state"]) => ({ id, state }) as Model;

test("only what is not as it should be", () => {
  const models = [model("a", "ready"), model("b", "failed"), model("c", "dormant"), model("d", "waiting")];
  const devices = [{ id: "n.cuda:0", fault: "fell off" }, { id: "n.cpu", fault: "" }, { id: "m.cpu" }] as Device[];
  const lost = [
    { id: "far.cpu", silent_s: 60 },
    { id: "gone.cpu", silent_s: 100_000 },
  ] as LostDevice[];
  expect(attention(models, devices, lost, [{ node: "n", note: "no driver" }])).toEqual([
    { about: "b", kind: "failed", text: "" },
    { about: "d", kind: "waiting", text: "" },
    { about: "n.cuda:0", kind: "fault", text: "fell off" },
    { about: "far.cpu", kind: "lost", text: "" },
    { about: "n", kind: "note", text: "no driver" },
  ]);
});
