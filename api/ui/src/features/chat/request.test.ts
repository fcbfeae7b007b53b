import { expect, test } from "vitest";
import { type Conversation, NO_SETTINGS, newTurn } from "./conversation";
import { fits, requestOf } from "./request";

const TALK: Conversation = {
  id: "c",
  title: "",
  named: 0,
  at: 0,
  settings: { ...NO_SETTINGS, system: "Be brief.", temperature: "0", seed: "x" },
  turns: [
    newTurn("a", null, "user", { text: "what is it?", pictures: ["data:image/png;base64,AA=="] }),
    newTurn("b", "a", "assistant", { text: "", thoughts: "hm" }),
    newTurn("c", "b", "user", { text: "well?" }),
  ],
  leaf: "c",
};

const ASKED = { model: "m", thinks: false };

test("a request has the system's words, the branch, and the parameters that fit", () => {
  expect(requestOf(TALK, "c", ASKED)).toEqual({
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

test("calls are sent where they were answered, and left out where not", () => {
  const calls = [{ id: "c0", name: "clock", arguments: "{}" }];
  const turns = [
    newTurn("a", null, "user", { text: "when?" }),
    newTurn("b", "a", "assistant", { calls }),
    newTurn("c", "b", "tool", { results: [{ id: "c0", text: "noon" }] }),
    newTurn("d", "b", "user", { text: "well?" }),
  ];
  const messages = (leaf: string) => requestOf({ ...TALK, settings: NO_SETTINGS, turns }, leaf, ASKED).messages;
  expect(messages("c").slice(1)).toEqual([
    {
      role: "assistant",
      content: null,
      tool_calls: [{ id: "c0", type: "function", function: { name: "clock", arguments: "{}" } }],
    },
    { role: "tool", tool_call_id: "c0", content: "noon" },
  ]);
  expect(messages("d").map((one) => one.role)).toEqual(["user", "user"]);
});

test("what goes on has no form, and recordings are sent as they are", () => {
  const turns = [newTurn("a", null, "user", { sounds: ["data:audio/wav;base64,AA=="] })];
  const talk = { ...TALK, settings: { ...NO_SETTINGS, form: "object" }, turns };
  expect(requestOf(talk, "a", ASKED).response_format).toEqual({ type: "json_object" });
  expect(requestOf(talk, "a", ASKED, true)).toEqual({
    model: "m",
    messages: [{ role: "user", content: [{ type: "audio_url", audio_url: { url: "data:audio/wav;base64,AA==" } }] }],
    continue_final_message: true,
    add_generation_prompt: false,
  });
});
