import { expect, test } from "vitest";
import { arranged, shownOf } from "./held";

function held(model_version: string, size_bytes: number, read_ts: number | null, modified_ts: number) {
  return { model_version, size_bytes, read_ts, modified_ts };
}

const ALL = [
  held("hf:a/Small", 1, 500, 100),
  held("hf:b/large", 9, null, 300),
  held("modelscope:a/large", 9, 400, 200),
];
const names = (shown: Parameters<typeof arranged>[1]) => arranged(ALL, shown).map((one) => one.model_version);

test("the largest are first, and equals by name", () => {
  expect(names({})).toEqual(["hf:b/large", "modelscope:a/large", "hf:a/Small"]);
});

test("what nobody has read for the longest is first, and what was never read counts from when it came", () => {
  expect(names({ order: "read" })).toEqual(["hf:b/large", "modelscope:a/large", "hf:a/Small"]);
  expect(names({ order: "fetched" })[0]).toBe("hf:b/large");
  expect(names({ order: "name" })[0]).toBe("hf:a/Small");
});

test("each searched word must be there", () => {
  expect(names({ q: "hf: LARGE" })).toEqual(["hf:b/large"]);
  expect(names({ q: " " })).toHaveLength(3);
});

test("an address says only what is known", () => {
  expect(shownOf({ q: 7, order: "read", more: 1 })).toEqual({ q: "7", order: "read" });
  expect(shownOf({ q: "", order: "size" })).toEqual({});
});
