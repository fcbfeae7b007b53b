import { expect, test } from "vitest";
import { matching, read, together, written } from "./archive";
import { type Conversation, NO_SETTINGS, newTurn } from "./conversation";

const talk = (id: string, at: number, text: string): Conversation => ({
  id,
  title: id,
  named: 0,
  at,
  settings: { ...NO_SETTINGS, system: "s" },
  turns: [newTurn("a", null, "user", { text, end: "stop" })],
  leaf: "a",
});

test("what is written can be read", () => {
  const talks = [talk("x", 1, "one"), talk("y", 2, "two")];
  expect(read(written(talks))).toEqual(talks);
});

test.each(["", "[]", "null", '{"kind":"x"}', '{"kind":"headrace.conversations","conversations":[{"id":1}]}'])(
  "no file of ours: %j",
  (text) => {
    expect(read(text)).toBeNull();
  },
);

test("a file cannot bring pictures from elsewhere", () => {
  const turn = { id: "a", role: "user", pictures: ["//x.y/z.png", "data:image/png;base64,A"] };
  const file = { kind: "headrace.conversations", conversations: [{ id: "c", turns: [turn] }] };
  expect(read(JSON.stringify(file))?.[0]?.turns[0]?.pictures).toEqual(["data:image/png;base64,A"]);
});

test("all words are looked for, and the newest goes first", () => {
  const talks = [talk("x", 1, "red fish"), talk("y", 2, "blue Fish"), talk("z", 3, "bird")];
  expect(matching(talks, " FISH ").map((one) => one.id)).toEqual(["y", "x"]);
  expect(matching(talks, "fish red").map((one) => one.id)).toEqual(["x"]);
  expect(matching(talks, "")).toHaveLength(3);
});

test("what is open is listed as it is now, whether or not it is kept", () => {
  const kept = [talk("x", 1, "old"), talk("y", 2, "kept")];
  const open = [talk("x", 3, "new"), talk("z", 4, "unkept"), { ...talk("blank", 0, ""), turns: [] }];
  expect(together(kept, open).map((one) => [one.id, one.turns[0]?.text])).toEqual([
    ["x", "new"],
    ["y", "kept"],
    ["z", "unkept"],
  ]);
});
