import { expect, test } from "vitest";
import { curl, javascript, python } from "./code";
import { exampleOf } from "./examples";

const open = { base: "HOST/v1", keyed: false };
const keyed = { base: "HOST/v1", keyed: true };
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

test("a command for a shell holds what it is given, whatever it is", () => {
  const example = { path: "completions", body: { model: "a", prompt: "it's $HOME" } };
  expect(curl(example, open)).toBe(
    'curl HOST/v1/completions \\\n  -H "Content-Type: application/json" \\\n' +
      `  -d '{"model":"a","prompt":"it'\\''s $HOME"}'`,
  );
});

test("a key is named where one is needed, and never written", () => {
  for (const type of ["LLM", "rerank"]) {
    for (const code of [curl, python, javascript]) {
      const example = exampleOf(model(type));
      expect(code(example, keyed)).toContain("HEADRACE_API_KEY");
      expect(code(example, open)).not.toContain("HEADRACE_API_KEY");
    }
  }
});

test("a recording is sent as a form", () => {
  const example = exampleOf(model("audio", "audio2text"));
  expect(curl(example, open)).toContain("-F file=@speech.mp3");
  expect(javascript(example, open)).toContain('body.set("model", "org/a")');
  expect(python(example, open)).toContain('file=open("speech.mp3", "rb")');
});
