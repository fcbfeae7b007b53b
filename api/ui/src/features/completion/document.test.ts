import { expect, test } from "vitest";
import { type Doc, grown, parts, retyped } from "./document";

const start: Doc = { text: "ab", written: [] };
const went = grown(grown(start, "cd"), "ef");

test("what a model writes is one stretch as long as nobody writes between", () => {
  expect(went).toEqual({ text: "abcdef", written: [[2, 6]] });
  expect(grown(retyped(went, "abcdef!"), "gh").written).toEqual([
    [2, 6],
    [7, 9],
  ]);
  expect(grown(start, "")).toEqual(start);
});

test("what is typed before moves it, and what is typed within parts it", () => {
  expect(retyped(went, "xxabcdef").written).toEqual([[4, 8]]);
  expect(retyped(went, "abcXdef").written).toEqual([
    [2, 3],
    [4, 7],
  ]);
});

test("what is taken out is gone from it", () => {
  expect(retyped(went, "abcf").written).toEqual([[2, 4]]);
  expect(retyped(went, "a").written).toEqual([]);
  expect(retyped(went, "abc").written).toEqual([[2, 3]]);
  expect(retyped(went, "").written).toEqual([]);
});

test("the parts are the whole text", () => {
  expect(parts(retyped(went, "abcXdef"))).toEqual([
    { text: "ab", isWritten: false },
    { text: "c", isWritten: true },
    { text: "X", isWritten: false },
    { text: "def", isWritten: true },
  ]);
});
