import { expect, test } from "vitest";
import { draftOf, EMPTY, fieldOf, jobOf, lackOf } from "./draft";
import { NO_FILES } from "./modes";

const DRAFT = { ...EMPTY, prompt: " a red seven ", size: "64x64", n: "2", guidance_scale: "2.5", lora: "a:0.5, b" };

test("a draft as a job", () => {
  expect(jobOf("draw", "glyphs", { ...DRAFT, strength: "0.5" }, { ...NO_FILES, image: "data:a" })).toEqual({
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
    files: {},
  });
});

test("a sampler is sent as it was typed, also where it looks like a number", () => {
  const { input } = jobOf("draw", "m", { ...EMPTY, scheduler: "2", true_cfg_scale: "4" }, NO_FILES);
  expect(input).toMatchObject({ scheduler: "2", true_cfg_scale: 4 });
});

test.each([
  ["7", 7],
  ["-1", -1],
  ["9007199254740991", 9007199254740991],
  ["9007199254740993", "9007199254740993"],
  ["seven", "seven"],
])("the seed %s is sent exactly", (seed, sent) => {
  expect(jobOf("draw", "m", { ...EMPTY, seed }, NO_FILES).input["seed"]).toBe(sent);
});

test("a job has the files of its mode", () => {
  const files = { ...NO_FILES, image: "data:a", last_image: "data:z", mask: "data:b" };
  const jobIn = (mode: Parameters<typeof jobOf>[0]) => jobOf(mode, "m", { ...EMPTY, strength: "0.5" }, files);
  expect(jobIn("edit").input).toEqual({ strength: 0.5, response_format: "url" });
  expect(jobIn("edit").files).toEqual({ image: "data:a" });
  expect(jobIn("vary").files).toEqual({ image: "data:a" });
  expect(jobIn("inpaint").files).toEqual({ image: "data:a", mask: "data:b" });
  expect(jobIn("between").files).toEqual({ image: "data:a", last_image: "data:z" });
});

test("a ControlNet heeds the one picture, or one beside that which is changed", () => {
  const draft = { ...EMPTY, prompt: "a", strength: "0.5" };
  const alone = { ...NO_FILES, control_image: "data:c" };
  expect(jobOf("guide", "m", draft, alone)).toMatchObject({
    kind: "images.edits",
    input: { prompt: "a", control_scale: 1, response_format: "url" },
    files: { image: "data:c" },
  });
  expect(jobOf("guide", "m", draft, alone).input).not.toHaveProperty("strength");
  const both = jobOf("guide", "m", { ...draft, control_scale: "0.4" }, { ...alone, image: "data:a" });
  expect(both.input).toMatchObject({ strength: 0.5, control_scale: 0.4 });
  expect(both.files).toEqual({ image: "data:a", control_image: "data:c" });
});

test("what is lacking", () => {
  const image = { ...NO_FILES, image: "data:a" };
  expect(lackOf("draw", EMPTY, NO_FILES)).toBe("prompt");
  expect(lackOf("draw", DRAFT, NO_FILES)).toBe(null);
  expect(lackOf("edit", DRAFT, NO_FILES)).toBe("image");
  expect(lackOf("edit", EMPTY, image)).toBe("prompt");
  expect(lackOf("vary", EMPTY, image)).toBe(null);
  expect(lackOf("inpaint", DRAFT, image)).toBe("mask");
  expect(lackOf("animate", EMPTY, image)).toBe(null);
  expect(lackOf("between", EMPTY, image)).toBe("last_image");
  expect(lackOf("guide", DRAFT, image)).toBe("control_image");
  expect(lackOf("guide", DRAFT, { ...NO_FILES, control_image: "data:c" })).toBe(null);
});

test("a job as a draft", () => {
  const { input } = jobOf("draw", "m", DRAFT, NO_FILES);
  expect(draftOf(input, "5")).toEqual({ ...DRAFT, prompt: "a red seven", seed: "5" });
  expect(draftOf({ ...input, seed: "9007199254740993" }, "5").seed).toBe("9007199254740993");
  expect(draftOf({}, null)).toEqual(EMPTY);
});

test("the field of an error", () => {
  expect(fieldOf("input.guidance_scale")).toBe("guidance_scale");
  expect(fieldOf("input.lora[0].name")).toBe("lora");
  expect(fieldOf("strength")).toBe("strength");
  expect([fieldOf("model"), fieldOf("input.user"), fieldOf(null)]).toEqual([null, null, null]);
});

test("a film has what films have", () => {
  const draft = { ...EMPTY, prompt: "a", n: "2", num_frames: "9", fps: "24" };
  expect(jobOf("film", "m", draft, NO_FILES)).toEqual({
    kind: "videos.generations",
    model: "m",
    input: { prompt: "a", num_frames: 9, fps: 24, response_format: "url" },
    files: {},
  });
});
