import { expect, test } from "vitest";
import { ApiError } from "./errors";
import { speechPiece } from "./speech";

const response = new Response(null, { headers: { "x-headrace-warning": "early" } });

test("a piece is its bytes, with what is known by then to be unsaid", () => {
  const piece = speechPiece({ type: "speech.audio.delta", audio: btoa("ab") }, response);
  expect([[...(piece.bytes ?? [])], piece.warning, piece.isLast]).toEqual([[97, 98], "early", false]);
});

test("the end tells what was unsaid", () => {
  const end = { type: "speech.audio.done", warning: "no sound for 3 of 9 characters" };
  expect(speechPiece(end, response)).toEqual({ bytes: null, warning: end.warning, isLast: true });
  expect(speechPiece({ type: "speech.audio.done" }, new Response()).warning).toBe("");
});

test("an error is thrown", () => {
  expect(() => speechPiece({ error: { message: "lost", code: "replica_lost" } }, response)).toThrow(ApiError);
});
