import { expect, test } from "vitest";
import { formOf, pathOf } from "./jobForms";

test("where requests of a kind go", () => {
  expect([pathOf("images.edits"), pathOf("videos.generations")]).toEqual(["images/edits", "videos"]);
});

test("a form has texts as they are, and all else as JSON", () => {
  const form = formOf({ prompt: "a 7", seed: "9007199254740993", steps: 4, lora: [{ name: "a", scale: 0.5 }] });
  expect([...form]).toEqual([
    ["prompt", "a 7"],
    ["seed", "9007199254740993"],
    ["steps", "4"],
    ["lora", '[{"name":"a","scale":0.5}]'],
  ]);
});
