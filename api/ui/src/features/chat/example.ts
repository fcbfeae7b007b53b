import type { Example } from "../../parts/example";
import type { Conversation } from "./conversation";
import { type Asked, requestOf } from "./request";
import { pathTo } from "./tree";

/** The request for the last answer that is shown, as an example. What was attached, a program reads from files. */
export function exampleOf(conversation: Conversation, asked: Asked): Example {
  const leaf = pathTo(conversation.turns, conversation.leaf).findLast((turn) => turn.role !== "assistant");
  return {
    path: "chat/completions",
    body: { ...requestOf(conversation, leaf?.id ?? null, asked) },
    call: "chat.completions.create",
    print: "answer.choices[0].message",
    beyond: ["structured_outputs", "enable_thinking"],
  };
}
