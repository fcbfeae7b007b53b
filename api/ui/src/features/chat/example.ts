import type { Example } from "../../parts/example";
import type { Conversation } from "./conversation";
import { type Asked, requestOf } from "./request";
import { pathTo } from "./tree";

const LONGEST_URL = 200;

/** The request for the last answer that is shown, as an example. Of what was attached only the beginning is told. */
export function exampleOf(conversation: Conversation, asked: Asked): Example {
  const leaf = pathTo(conversation.turns, conversation.leaf).findLast((turn) => turn.role !== "assistant");
  const body: unknown = JSON.parse(
    JSON.stringify(requestOf(conversation, leaf?.id ?? null, asked), (_, value: unknown) =>
      typeof value === "string" && value.startsWith("data:") && value.length > LONGEST_URL
        ? `${value.slice(0, value.indexOf(",") + 1)}…`
        : value,
    ),
  );
  return {
    path: "chat/completions",
    body: body as Record<string, unknown>,
    call: "chat.completions.create",
    print: "answer.choices[0].message",
    beyond: ["structured_outputs", "enable_thinking"],
  };
}
