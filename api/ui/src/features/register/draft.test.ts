import { expect, test } from "vitest";
import { again, freeName } from "./again";
import { at, listOf, nameOf, numberOf, read, withAt } from "./draft";

const MODEL = { model_name: "a", more: 1, model_specs: [{ model_uri: "/x" }, { model_uri: "/y" }] };

test("a change leaves what is beside it, in its order", () => {
  const changed = withAt(MODEL, ["model_specs", 1, "model_uri"], "/z");
  expect(changed).toEqual({ ...MODEL, model_specs: [{ model_uri: "/x" }, { model_uri: "/z" }] });
  expect(Object.keys(withAt(MODEL, ["model_name"], "b"))).toEqual(Object.keys(MODEL));
  expect(MODEL.model_specs[1]?.model_uri).toBe("/y");
});

test("what is emptied is taken out, and what was not there is made", () => {
  expect(withAt(MODEL, ["more"], undefined)).not.toHaveProperty("more");
  expect(withAt(MODEL, ["model_specs", 0], undefined)["model_specs"]).toEqual([{ model_uri: "/y" }]);
  expect(withAt({}, ["model_specs", 0, "model_id"], "o/n")).toEqual({ model_specs: [{ model_id: "o/n" }] });
});

test("what lies at a path that is not there is nothing", () => {
  expect(at(MODEL, ["model_specs", 1, "model_uri"])).toBe("/y");
  expect(at(MODEL, ["model_name", "deeper", 3])).toBeUndefined();
});

test("a text that is no object is no description", () => {
  expect(read('{"a": 1}')).toEqual({ a: 1 });
  expect([read("[1]"), read("{"), read("null"), read("")]).toEqual([null, null, null, null]);
});

test("paths are named as the server names them", () => {
  expect(nameOf(["model_specs", 0, "model_uri"])).toBe("model_specs[0].model_uri");
});

test("a number that is being typed stays as it was typed", () => {
  expect(["0.5", "0.", "", " 7 ", "1e3", "x"].map(numberOf)).toEqual([0.5, "0.", undefined, 7, "1e3", "x"]);
});

test("a list is what lies between commas, of any kind", () => {
  expect(listOf("en, zh，ja、,")).toEqual(["en", "zh", "ja"]);
  expect(listOf(" , ")).toBeUndefined();
});

test("a registered model is described again without what is only told of it", () => {
  const place = { model_id: "o/n", model_revision: null, quantization_parts: {}, multimodal_projectors: [] };
  const spec = { model_format: "gptq", engines: ["vllm"], model_src: { huggingface: place }, model_uri: "" };
  const told = {
    version: 2,
    model_name: "mine",
    model_description: "mine is a model",
    is_builtin: false,
    dimensions: null,
    model_specs: [spec],
  };
  expect(JSON.parse(again(told, "mine-2"))).toEqual({
    version: 2,
    model_name: "mine-2",
    model_specs: [{ model_format: "gptq", model_src: { huggingface: { model_id: "o/n" } } }],
  });
});

test("a description of the user's own goes along", () => {
  const told = { model_name: "mine", model_description: "For mail.", model_description_zh: "x", engines: [] };
  expect(JSON.parse(again(told, "b"))).toEqual({ model_name: "b", model_description: "For mail." });
});

test("a new name is one that nobody has", () => {
  expect(freeName("mine", ["mine"])).toBe("mine-2");
  expect(freeName("mine-2", ["mine", "mine-2", "mine-3"])).toBe("mine-4");
});
