import { expect, test } from "vitest";
import { bodyOf, exampleOf, linesAround, messagesIn, sourceOf } from "./trying";

const OWN = { chat_template: "{{ messages }}", model_specs: [{ model_uri: "file:///models/a" }] };

test("a template is the description's own, or that of its first weights", () => {
  expect(sourceOf(OWN)).toEqual({ chat_template: "{{ messages }}" });
  expect(sourceOf({ model_specs: [{ model_uri: "file:///models/a" }] })).toEqual({ model_path: "/models/a" });
  expect(sourceOf({ model_specs: [{ model_id: "a/b" }] })).toEqual({ model_path: "hf:a/b" });
  const there = { model_specs: [{ model_id: "a/b", model_hub: "modelscope" }] };
  expect(sourceOf(there)).toEqual({ model_path: "modelscope:a/b" });
  expect(sourceOf({ chat_template: "", model_specs: [{ model_uri: "" }] })).toBeNull();
  expect(sourceOf(null)).toBeNull();
});

test("what is asked of the server", () => {
  const conversation = JSON.stringify(exampleOf(false));
  const body = bodyOf(OWN, { conversation, tools: true, thinking: "off" });
  expect(body).toMatchObject({ chat_template: "{{ messages }}", enable_thinking: false });
  expect(body?.tools).toHaveLength(1);
  expect(bodyOf(OWN, { conversation, tools: false, thinking: "default" })).toEqual({
    chat_template: "{{ messages }}",
    messages: exampleOf(false),
  });
  expect(bodyOf(OWN, { conversation: "[]", tools: false, thinking: "on" })).toBeNull();
});

test("what is no conversation", () => {
  for (const text of ["", "{}", "[1]", "[null]", "[{]"]) expect(messagesIn(text)).toBeNull();
  expect(messagesIn(JSON.stringify(exampleOf(true)))).toHaveLength(6);
});

test("the lines around one", () => {
  expect(linesAround("a\nb\nc\nd\ne", 2, 1)).toEqual([
    { number: 1, text: "a" },
    { number: 2, text: "b" },
    { number: 3, text: "c" },
  ]);
  expect(linesAround("a", 1)).toEqual([{ number: 1, text: "a" }]);
});
