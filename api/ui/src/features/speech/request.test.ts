import { expect, test } from "vitest";
import { requestOf, type Speech, takenUp, trialOf } from "./request";

const speech: Speech = { text: "Seven. Eight.", voice: "", language: "", speed: 1, format: "mp3" };

test("what is as by default is not asked for", () => {
  expect(requestOf("m", speech)).toEqual({ model: "m", input: "Seven. Eight.", response_format: "mp3" });
  expect(requestOf("m", { ...speech, voice: "joe", speed: 1.5 })).toMatchObject({ voice: "joe", speed: 1.5 });
  expect(requestOf("m", { ...speech, language: " ja " })).toMatchObject({ language: "ja" });
});

test("a voice is tried with the first sentence", () => {
  expect(trialOf(" Seven is 7.5! Eight.")).toBe("Seven is 7.5!");
  expect(trialOf("你好。再见。")).toBe("你好。");
  expect(trialOf("x".repeat(500))).toHaveLength(120);
});

test("what was said before is taken up again", () => {
  const input = { model: "m", input: "Nine.", voice: "joe", language: "en", speed: 0.5, response_format: "flac" };
  expect(takenUp(input, speech)).toEqual({ text: "Nine.", voice: "joe", language: "en", speed: 0.5, format: "flac" });
  expect(takenUp({ voice: { id: "x" }, response_format: "tape" }, speech)).toEqual(speech);
});
