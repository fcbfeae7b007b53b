import { expect, test } from "vitest";
import type { ChatPiece } from "../../api/chat";
import { ApiError } from "../../api/errors";
import { newTurn } from "./conversation";
import { broken, type Clock, finished, grown, ticked } from "./growing";

const piece = (rest: Partial<ChatPiece>): ChatPiece => ({ text: "", thoughts: "", finish: null, usage: null, ...rest });
const usage = { prompt_tokens: 3, completion_tokens: 11, total_tokens: 14 };

test("an answer grows by its pieces, and its speed is that of the tokens after the first", () => {
  let turn = newTurn("a", null, "assistant");
  let clock: Clock = { first: null, last: null };
  const pieces = [{ thoughts: "hm" }, { text: "a" }, { text: "b", finish: "length" }, { usage }];
  for (const [at, rest] of pieces.entries()) {
    turn = grown(turn, piece(rest));
    clock = ticked(clock, piece(rest), 1000 + at * 250);
  }
  expect(finished(turn, clock)).toMatchObject({ text: "ab", thoughts: "hm", end: "length", usage, speed: 20 });
});

test("what is stopped or fails keeps what it has", () => {
  const turn = newTurn("a", null, "assistant", { text: "so far" });
  expect(broken(turn, new Error("aborted"), true)).toMatchObject({ text: "so far", end: "stopped", fault: null });
  expect(broken(turn, new ApiError("it died", 503, "gone", null, "req_1"), false)).toMatchObject({
    text: "so far",
    end: "failed",
    fault: { message: "it died", code: "gone", requestId: "req_1" },
  });
});
