import { expect, test } from "vitest";
import { fieldsOf, isAble, modeOf, modeOfJob, NO_FILES, sentOf, takenOf } from "./modes";

test("the mode of an address", () => {
  expect([modeOf("images", "edit"), modeOf("images", "film"), modeOf("videos", undefined)]).toEqual([
    "edit",
    "draw",
    "film",
  ]);
});

const FIRST = { image: {} };

test.each([
  ["images.generations", {}, {}, "draw"],
  ["images.variations", {}, FIRST, "vary"],
  ["images.inpainting", {}, FIRST, "inpaint"],
  ["images.edits", {}, FIRST, "edit"],
  ["images.edits", { control_scale: 1 }, FIRST, "guide"],
  ["images.edits", {}, { ...FIRST, control_image: {} }, "guide"],
  ["videos.generations", {}, {}, "film"],
  ["videos.generations", {}, FIRST, "animate"],
  ["videos.generations", {}, { ...FIRST, last_image: {} }, "between"],
  ["audio.speech", {}, {}, "draw"],
] as const)("the mode of a job %s of %j with %j", (kind, input, files, mode) => {
  expect(modeOfJob(kind, input, files)).toBe(mode);
});

test("a ControlNet is one of the model's launch", () => {
  const model = { model_ability: ["text2image", "image2image"], controlnet: null };
  expect([isAble(model, "edit"), isAble(model, "guide"), isAble(model, "inpaint")]).toEqual([true, false, false]);
  expect(isAble({ ...model, controlnet: "hf:a/b" }, "guide")).toBe(true);
});

test("how far a picture is left is asked where one is changed", () => {
  expect(fieldsOf("guide", { ...NO_FILES, control_image: "data:c" })).not.toContain("strength");
  expect(fieldsOf("guide", { ...NO_FILES, image: "data:a" })).toContain("strength");
  expect(fieldsOf("edit", NO_FILES)).toContain("strength");
});

test("files are taken back as they were sent", () => {
  const alone = { ...NO_FILES, control_image: "data:c" };
  expect(takenOf("guide", sentOf("guide", alone))).toEqual(alone);
  const both = { ...alone, image: "data:a" };
  expect(takenOf("guide", sentOf("guide", both))).toEqual(both);
  expect(takenOf("edit", { image: "data:a" })).toEqual({ ...NO_FILES, image: "data:a" });
});
