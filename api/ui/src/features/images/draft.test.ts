import { expect, test } from "vitest";
import { draftOf, EMPTY, fieldOf, jobOf, modeOf } from "./draft";

const DRAFT = { ...EMPTY, prompt: " a red seven ", size: "64x64", n: "2", guidance_scale: "2.5", lora: "a:0.5, b" };

test("a draft as a job", () => {
  expect(jobOf("draw", "glyphs", DRAFT)).toEqual({
    kind: "images.generations",
    model: "glyphs",
    input: {
      prompt: "a red seven",
      size: "64x64",
      n: 2,
      guidance_scale: 2.5,
      lora: [{ name: "a", scale: 0.5 }, { name: "b" }],
      response_format: "url",
    },
  });
});

test.each([
  ["7", 7],
  ["-1", -1],
  ["9007199254740991", 9007199254740991],
  ["9007199254740993", "9007199254740993"],
  ["seven", "seven"],
])("the seed %s is sent exactly", (seed, sent) => {
  expect(jobOf("draw", "m", { ...EMPTY, seed }).input["seed"]).toBe(sent);
});

test("a job as a draft", () => {
  const { input } = jobOf("draw", "m", DRAFT);
  expect(draftOf(input, "5")).toEqual({ ...DRAFT, prompt: "a red seven", seed: "5" });
  expect(draftOf({ ...input, seed: "9007199254740993" }, "5").seed).toBe("9007199254740993");
  expect(draftOf({}, null)).toEqual(EMPTY);
});

test("the field of an error", () => {
  expect(fieldOf("input.guidance_scale")).toBe("guidance_scale");
  expect(fieldOf("input.lora[0].name")).toBe("lora");
  expect([fieldOf("model"), fieldOf("input.user"), fieldOf(null)]).toEqual([null, null, null]);
});

test("the mode of an address and of a kind", () => {
  expect([modeOf("draw"), modeOf("images.generations"), modeOf("nonsense"), modeOf(undefined)]).toEqual(
    Array(4).fill("draw"),
  );
});
