import { expect, test } from "vitest";
import { type Conversation, NO_SETTINGS, newTurn } from "./conversation";
import { fits, requestOf } from "./request";

const TALK: Conversation = {
  id: "c",
  title: "",
  at: 0,
  settings: { ...NO_SETTINGS, system: "Be brief.", temperature: "0", seed: "x" },
  turns: [
    newTurn("a", null, "user", { text: "what is it?", pictures: ["data:image/png;base64,AA=="] }),
    newTurn("b", "a", "assistant", { text: "", thoughts: "hm" }),
    newTurn("c", "b", "user", { text: "well?" }),
  ],
  leaf: "c",
};

test("a request has the system's words, the branch, and the parameters that fit", () => {
  expect(requestOf(TALK, "c", "m")).toEqual({
    model: "m",
    temperature: 0,
    messages: [
      { role: "system", content: "Be brief." },
      {
        role: "user",
        content: [
          { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
          { type: "text", text: "what is it?" },
        ],
      },
      { role: "user", content: "well?" },
    ],
  });
});

test.each([
  ["temperature", "", true],
  ["temperature", "2.1", false],
  ["temperature", "abc", false],
  ["top_p", "0.5", true],
  ["max_tokens", "1.5", false],
  ["max_tokens", "0", false],
  ["seed", "7", true],
] as const)("%s of %j", (name, typed, expected) => {
  expect(fits(name, typed)).toBe(expected);
});
