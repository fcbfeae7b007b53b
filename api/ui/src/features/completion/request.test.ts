import { expect, test } from "vitest";
import { requestOf } from "./request";

test("what is empty is left to the model, and what is no number is sent to be refused", () => {
  const settings = { max_tokens: "8", temperature: " ", top_p: "much", seed: "0", odds: false };
  expect(requestOf("m", "a", settings)).toEqual({ model: "m", prompt: "a", max_tokens: 8, top_p: "much", seed: 0 });
});

test("a text that ends the answer stays a text, and may be the end of a line", () => {
  expect(requestOf("m", "a", { stop: "7", odds: true })).toMatchObject({ stop: "7", logprobs: 5 });
  expect(requestOf("m", "a", { stop: "\\n" })["stop"]).toBe("\n");
});
