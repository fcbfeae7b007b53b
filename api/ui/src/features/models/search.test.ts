import { expect, test } from "vitest";
import type { Model } from "../../api/types";
import { filtersOf, passing, tabOf } from "./search";

test("an address that says nonsense shows everything", () => {
  expect(filtersOf({ type: "LLM", state: "failed" })).toEqual({ type: "LLM", state: "failed" });
  expect(filtersOf({ type: "llm", state: 5, other: "x" })).toEqual({});
  expect(tabOf({ tab: "log" })).toEqual({ tab: "log" });
  expect(tabOf({ tab: ["log"] })).toEqual({});
});

test("models pass that are of the type and in the state", () => {
  const model = (id: string, model_type: string, state: string) => ({ id, model_type, state }) as Model;
  const models = [model("a", "LLM", "ready"), model("b", "LLM", "failed"), model("c", "image", "failed")];
  const names = (filters: Record<string, string>) => passing(models, filtersOf(filters)).map((one) => one.id);
  expect(names({})).toEqual(["a", "b", "c"]);
  expect(names({ type: "LLM" })).toEqual(["a", "b"]);
  expect(names({ type: "LLM", state: "failed" })).toEqual(["b"]);
});
