import { expect, test } from "vitest";
import type { ChatPiece } from "../../api/chat";
import { ApiError } from "../../api/errors";
import { newTurn } from "./conversation";
import { broken, type Clock, finished, grown, mayGoOn, ticked } from "./growing";

const piece = (rest: Partial<ChatPiece>): ChatPiece => ({
  ...{ text: "", thoughts: "", finish: null, usage: null, calls: [], tokens: [], ignored: "" },
  ...rest,
});
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

test("calls are joined by their index, and tokens in their order", () => {
  const call = (index: number, id: string, name: string, given: string) => ({ index, id, name, arguments: given });
  const token = (text: string) => ({ token: text, logprob: -1, others: [] });
  const turn = [
    piece({ calls: [call(0, "c0", "clock", "")], tokens: [token("a")], ignored: "top_k" }),
    piece({ calls: [call(0, "", "", '{"a"')], tokens: [token("b")] }),
    piece({ calls: [call(1, "c1", "map", "{}"), call(0, "", "", ":1}")] }),
  ].reduce(grown, newTurn("a", null, "assistant"));
  expect(turn.calls).toEqual([
    { id: "c0", name: "clock", arguments: '{"a":1}' },
    { id: "c1", name: "map", arguments: "{}" },
  ]);
  expect([turn.tokens.map((one) => one.token).join(""), turn.ignored]).toEqual(["ab", "top_k"]);
});

test("only a text that broke off and has no form can be gone on with", () => {
  const turn = newTurn("a", null, "assistant", { text: "so far", end: "failed" });
  expect(mayGoOn(turn)).toBe(true);
  const others = [{ end: "stop" }, { text: " " }, { form: { kind: "object" as const, text: "" } }];
  expect(others.map((rest) => mayGoOn({ ...turn, ...rest }))).toEqual([false, false, false]);
});
