import { expect, test } from "vitest";
import type { Model } from "../../api/types";
import { type Conversation, NO_SETTINGS, newTurn } from "./conversation";
import { chatModels, contextOf, modelFor } from "./models";

const model = (id: string, state: Model["state"], ...model_ability: string[]) =>
  ({ id, state, model_ability }) as Model;
const MODELS = [model("a", "dormant", "chat"), model("b", "ready", "chat", "vision"), model("c", "ready", "embed")];
const able = chatModels(MODELS);

const talk = (id: string): Conversation => ({
  id: "x",
  title: "",
  named: 0,
  at: 0,
  settings: NO_SETTINGS,
  turns: [newTurn("t", null, "assistant", { model: id })],
  leaf: "t",
});

test("only models that chat are offered", () => {
  expect(able.map((one) => one.id)).toEqual(["a", "b"]);
});

test("the address goes first, then the conversation, then what is ready", () => {
  expect(modelFor("z", able, talk("a"))).toBe("z");
  expect(modelFor(undefined, able, talk("a"))).toBe("a");
  expect(modelFor(undefined, able, talk("gone"))).toBe("b");
  expect([modelFor(undefined, []), modelFor(undefined, [able[0] as Model])]).toEqual(["", "a"]);
});

test("the context is what was launched, else what the model was made for", () => {
  expect(contextOf({ max_model_len: 10, context_length: 20 } as Model)).toBe(10);
  expect(contextOf({ max_model_len: null, context_length: 20 } as Model)).toBe(20);
  expect(contextOf(undefined)).toBeNull();
});
