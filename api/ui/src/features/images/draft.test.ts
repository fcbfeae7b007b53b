import { expect, test } from "vitest";
import { draftOf, EMPTY, fieldOf, jobOf, lackOf, modeOf, modeOfJob, NO_FILES } from "./draft";

const DRAFT = { ...EMPTY, prompt: " a red seven ", size: "64x64", n: "2", guidance_scale: "2.5", lora: "a:0.5, b" };

test("a draft as a job", () => {
  expect(jobOf("draw", "glyphs", { ...DRAFT, strength: "0.5" }, { image: "data:a", mask: "data:b" })).toEqual({
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
  expect(jobOf("draw", "m", { ...EMPTY, seed }, NO_FILES).input["seed"]).toBe(sent);
});

test("a job has the files of its mode", () => {
  const files = { image: "data:a", mask: "data:b" };
  const inputOf = (mode: Parameters<typeof jobOf>[0]) => jobOf(mode, "m", { ...EMPTY, strength: "0.5" }, files).input;
  const given = { strength: 0.5, response_format: "url", image: "data:a" };
  expect(inputOf("edit")).toEqual(given);
  expect(inputOf("vary")).toEqual(given);
  expect(inputOf("inpaint")).toEqual({ ...given, mask: "data:b" });
});

test("what is lacking", () => {
  const image = { ...NO_FILES, image: "data:a" };
  expect(lackOf("draw", EMPTY, NO_FILES)).toBe("prompt");
  expect(lackOf("draw", DRAFT, NO_FILES)).toBe(null);
  expect(lackOf("edit", DRAFT, NO_FILES)).toBe("image");
  expect(lackOf("edit", EMPTY, image)).toBe("prompt");
  expect(lackOf("vary", EMPTY, image)).toBe(null);
  expect(lackOf("inpaint", DRAFT, image)).toBe("mask");
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
  expect([fieldOf("model"), fieldOf("input.user"), fieldOf(null)]).toEqual([null, null, null]);
});

test("the mode of an address and of a job", () => {
  expect([modeOf("images", "edit"), modeOf("images", "film"), modeOf("videos", undefined)]).toEqual([
    "edit",
    "draw",
    "film",
  ]);
  expect(modeOfJob("images.variations", true)).toBe("vary");
  expect([modeOfJob("videos.generations", false), modeOfJob("videos.generations", true)]).toEqual(["film", "animate"]);
  expect(modeOfJob("images.edits", false)).toBe("edit");
  expect(modeOfJob("audio.speech", false)).toBe("draw");
});

test("a film has what films have", () => {
  const draft = { ...EMPTY, prompt: "a", n: "2", num_frames: "9", fps: "24" };
  expect(jobOf("film", "m", draft, NO_FILES)).toEqual({
    kind: "videos.generations",
    model: "m",
    input: { prompt: "a", num_frames: 9, fps: 24, response_format: "url" },
  });
  expect(lackOf("animate", EMPTY, { image: "data:a", mask: null })).toBe(null);
});
