import { expect, test } from "vitest";
import { curl, javascript, python } from "./code";
import type { Example } from "./example";

const open = { base: "HOST/v1", keyed: false };
const keyed = { base: "HOST/v1", keyed: true };
const chat: Example = {
  path: "chat/completions",
  body: { model: "org/a" },
  call: "chat.completions.create",
  print: "answer",
};
const rerank: Example = { path: "rerank", body: { model: "org/a", query: "a" } };
const heard: Example = {
  path: "audio/transcriptions",
  body: { model: "org/a" },
  upload: "speech.mp3",
  call: "audio.transcriptions.create",
  print: "answer.text",
};

test("a command for a shell holds what it is given, whatever it is", () => {
  const example = { path: "completions", body: { model: "a", prompt: "it's $HOME" } };
  expect(curl(example, open)).toBe(
    'curl HOST/v1/completions \\\n  -H "Content-Type: application/json" \\\n' +
      `  -d '{"model":"a","prompt":"it'\\''s $HOME"}'`,
  );
});

test("a key is named where one is needed, and never written", () => {
  for (const example of [chat, rerank]) {
    for (const code of [curl, python, javascript]) {
      expect(code(example, keyed)).toContain("HEADRACE_API_KEY");
      expect(code(example, open)).not.toContain("HEADRACE_API_KEY");
    }
  }
});

test("a recording is sent as a form", () => {
  expect(curl(heard, open)).toContain("-F file=@speech.mp3");
  expect(javascript(heard, open)).toContain('body.set("model", "org/a")');
  expect(python(heard, open)).toContain('file=open("speech.mp3", "rb")');
});

test("Python gets its own words for what JSON says, and what its client does not know apart", () => {
  const body = { model: "a", logprobs: true, stop: null, structured_outputs: { choice: ["yes", "no"] } };
  const code = python({ ...chat, body, beyond: ["structured_outputs"] }, open);
  expect(code).toContain("    logprobs=True,\n    stop=None,\n");
  expect(code).toContain('    extra_body={"structured_outputs": {"choice": ["yes", "no"]}},\n');
  expect(python({ path: "rerank", body }, open)).toContain('json={"model": "a", "logprobs": True, "stop": None, ');
});

test("pictures and sounds are read from files", () => {
  const url = (type: string) => ({ url: `data:${type};base64,QUJD` });
  const content = [{ text: 'costs $5 `a` \\ "b"' }, url("image/png"), url("image/png"), url("audio/wav")];
  const example = { ...chat, body: { messages: [{ role: "user", content }], mask: "data:image/png;base64,…" } };
  for (const code of [curl, python, javascript]) {
    const text = code(example, open);
    expect(text).not.toContain("QUJD");
    for (const name of ["picture.png", "picture-2.png", "sound.wav", "mask.png"]) expect(text).toContain(name);
  }
  expect(curl(example, open)).toContain("-d @- <<END\n");
  expect(curl(example, open)).toContain('costs \\$5 \\`a\\` \\\\\\\\ \\\\"b\\\\"');
});
