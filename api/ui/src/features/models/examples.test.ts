import { expect, test } from "vitest";
import { curl, javascript, python } from "../../parts/code";
import { exampleOf } from "./examples";

const open = { base: "HOST/v1", keyed: false };
const model = (model_type: string, ...model_ability: string[]) => ({ id: "org/a", model_type, model_ability });

test.each([
  ["LLM", ["chat", "generate"], "chat/completions"],
  ["LLM", ["generate"], "completions"],
  ["embedding", [], "embeddings"],
  ["rerank", [], "rerank"],
  ["image", [], "images/generations"],
  ["audio", ["audio2text"], "audio/transcriptions"],
  ["audio", ["text2audio"], "audio/speech"],
  ["video", [], "videos"],
])("a model of type %s that can %j is asked at %s", (type, abilities, path) => {
  const example = exampleOf(model(type, ...abilities));
  expect(example.path).toBe(path);
  for (const code of [curl, python, javascript]) expect(code(example, open)).toContain("org/a");
});
