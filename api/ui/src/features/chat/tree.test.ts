import { expect, test } from "vitest";
import { type Conversation, NO_SETTINGS, newTurn, type Turn } from "./conversation";
import {
  newestBelow,
  pathTo,
  placeOf,
  places,
  showing,
  sideBySide,
  titleOf,
  united,
  withChanged,
  withTurn,
} from "./tree";

const EMPTY: Conversation = { id: "c", title: "", named: 0, at: 0, settings: NO_SETTINGS, turns: [], leaf: null };

/** a → b, then b is made again (c), then a is edited (d → e). */
const TREE = [
  newTurn("a", null, "user", { text: "first" }),
  newTurn("b", "a", "assistant"),
  newTurn("c", "a", "assistant"),
  newTurn("d", null, "user"),
  newTurn("e", "d", "assistant"),
].reduce((conversation, turn, at) => withTurn(conversation, turn, at), EMPTY);

const ids = (leaf: string | null) => pathTo(TREE.turns, leaf).map((turn) => turn.id);

test("a branch is the way to its leaf", () => {
  expect(ids(TREE.leaf)).toEqual(["d", "e"]);
  expect(ids("b")).toEqual(["a", "b"]);
  expect([ids(null), ids("z")]).toEqual([[], []]);
});

test("a ring of turns, which a file may hold, ends", () => {
  const ring = [newTurn("a", "b", "user"), newTurn("b", "a", "user")];
  expect(pathTo(ring, "a")).toHaveLength(2);
  expect(newestBelow(ring, "a")).toBe("a");
});

test("branches stand in one place, and the newest below a turn is shown", () => {
  const turn = (id: string) => TREE.turns.find((one) => one.id === id) ?? newTurn("", null, "user");
  expect(places(TREE.turns).get(placeOf(turn("c")))).toEqual(["b", "c"]);
  expect(places(TREE.turns).get(placeOf(turn("a")))).toEqual(["a", "d"]);
  expect(showing(TREE, "a").leaf).toBe("c");
  expect(showing(TREE, "b").leaf).toBe("b");
});

test("a changed turn leaves the others as they were", () => {
  const changed = withChanged(TREE, newTurn("c", "a", "assistant", { text: "x" }));
  expect(changed.turns.map((one, at) => one === TREE.turns[at])).toEqual([true, true, false, true, true]);
  expect([changed.turns[2]?.text, changed.title, changed.at]).toEqual(["x", "first", 4]);
});

test("titles are one line, and cut between signs", () => {
  expect(titleOf("  one\ntwo")).toBe("one");
  expect([...titleOf("👍".repeat(100))]).toHaveLength(60);
});

test("answers stand side by side where at least two of the models gave one, each with its last", () => {
  const turns = [
    newTurn("a", null, "user"),
    newTurn("b", "a", "assistant", { model: "x" }),
    newTurn("c", "a", "assistant", { model: "y" }),
    newTurn("d", "a", "assistant", { model: "x" }),
  ];
  const ids = (leaf: string, models: string[]) => sideBySide({ ...EMPTY, turns, leaf }, models).map((turn) => turn.id);
  expect(ids("d", ["x", "y"])).toEqual(["d", "c"]);
  expect(ids("c", ["y", "x", "z"])).toEqual(["c", "d"]);
  expect([ids("b", ["x", "y"]), ids("d", ["x"]), ids("d", ["x", "z"]), ids("a", ["x", "y"])]).toEqual([[], [], [], []]);
});

test("what another tab has kept of a conversation stays in it", () => {
  const [a, b, c] = TREE.turns as [Turn, Turn, Turn];
  const theirs = { ...TREE, title: "theirs", turns: [a, b] };
  const ours = { ...TREE, turns: [{ ...a, text: "changed" }, c] };
  expect(united(theirs, ours)).toEqual({ ...ours, turns: [{ ...a, text: "changed" }, b, c] });
  expect(united({ ...theirs, turns: [{ ...a, end: "stop" }] }, ours).turns[0]?.text).toBe(a.text);
  expect(united(undefined, ours)).toBe(ours);
  expect(united({ ...theirs, named: 2 }, { ...ours, named: 1 })).toMatchObject({ title: "theirs", named: 2 });
  expect(united({ ...theirs, named: 1 }, { ...ours, named: 2 })).toMatchObject({ title: ours.title, named: 2 });
});
