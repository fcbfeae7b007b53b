import { expect, test } from "vitest";
import { ApiError } from "./errors";
import { fieldsOf, pathOf, transcriptPiece } from "./transcripts";

const response = new Response();

test("a stretch has its times where the model tells them", () => {
  const event = { type: "transcript.text.delta", delta: " fox", start: 0.5, end: 2 };
  expect(transcriptPiece(event, response)).toEqual({ segment: { text: " fox", start: 0.5, end: 2 }, whole: null });
  const bare = { type: "transcript.text.delta", delta: " fox" };
  expect(transcriptPiece(bare, response).segment).toEqual({ text: " fox", start: null, end: null });
});

test("the end tells the whole, and an error is thrown", () => {
  expect(transcriptPiece({ type: "transcript.text.done", text: "A fox." }, response).whole).toBe("A fox.");
  expect(transcriptPiece({ type: "something.new" }, response)).toEqual({ segment: null, whole: null });
  expect(() => transcriptPiece({ error: { message: "lost", code: "replica_lost" } }, response)).toThrow(ApiError);
});

test("a translation is always into English, so that it names no language", () => {
  const hear = { model: "m", language: "de", isTranslated: false };
  expect([pathOf(hear), fieldsOf(hear)]).toEqual(["audio/transcriptions", { model: "m", language: "de" }]);
  const translated = { ...hear, isTranslated: true };
  expect([pathOf(translated), fieldsOf(translated)]).toEqual(["audio/translations", { model: "m" }]);
  expect(fieldsOf({ ...hear, language: "" })).toEqual({ model: "m" });
});
