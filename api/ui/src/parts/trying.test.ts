import { expect, test } from "vitest";
import { abilityAt, tryPages } from "./trying";

test("a model is tried where it is able to answer", () => {
  const names = (...abilities: string[]) => tryPages(abilities).map(([name]) => name);
  expect(names("chat", "generate", "vision")).toEqual(["chat", "completion"]);
  expect(names("image2image")).toEqual(["images"]);
  expect(names("tells speakers apart")).toEqual([]);
});

test("a page knows what it asks models for", () => {
  expect(abilityAt("/some/prefix/ui/rerank")).toBe("rerank");
  expect(abilityAt("/tokenizer")).toBeUndefined();
});
