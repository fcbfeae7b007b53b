import { expect, test } from "vitest";
import { completionPiece } from "./completions";
import { ApiError } from "./errors";

const HTTP = new Response();

test("tokens come with the likeliest in their place, the likeliest first", () => {
  const logprobs = { tokens: ["b"], token_logprobs: [-2], top_logprobs: [{ b: -2, a: -1 }], text_offset: [0] };
  const piece = completionPiece({ choices: [{ index: 0, text: "b", logprobs, finish_reason: "length" }] }, HTTP);
  expect(piece.text).toBe("b");
  expect(piece.finish).toBe("length");
  expect(piece.tokens[0]?.others.map((one) => one.token)).toEqual(["a", "b"]);
});

test("a token without a probability is left out, and the last piece has the usage alone", () => {
  const logprobs = { tokens: ["a"], token_logprobs: [null], top_logprobs: [null], text_offset: [0] };
  expect(completionPiece({ choices: [{ index: 0, text: "a", logprobs, finish_reason: null }] }, HTTP).tokens).toEqual(
    [],
  );
  const counts = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
  const usage = { ...counts, prompt_tokens_details: { cached_tokens: 0 } };
  expect(completionPiece({ choices: [], usage }, HTTP)).toMatchObject({ text: "", usage });
});

test("an error in the midst is thrown", () => {
  expect(() => completionPiece({ error: { message: "gone" } }, HTTP)).toThrow(ApiError);
});
