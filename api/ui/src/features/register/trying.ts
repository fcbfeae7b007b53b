import type { paths } from "../../api/schema";
import { at, type Json } from "./draft";

type Post = paths["/v1/chat_templates/render"]["post"];
export type TemplateBody = NonNullable<Post["requestBody"]>["content"]["application/json"];
export type Rendered = Post["responses"][200]["content"]["application/json"];

export const THINKING = ["default", "on", "off"] as const;
export type ThinkingMode = (typeof THINKING)[number];

/** How a template is tried. `conversation`: its messages, as JSON. */
export interface Trial {
  conversation: string;
  tools: boolean;
  thinking: ThinkingMode;
}

const CALL = { id: "call00001", type: "function", function: { name: "weather", arguments: { town: "Basel" } } };
const TOOLS = [
  {
    type: "function",
    function: {
      name: "weather",
      description: "How the weather is in a town.",
      parameters: { type: "object", properties: { town: { type: "string" } }, required: ["town"] },
    },
  },
];

/** A conversation in which a function is called, or one without. Pure. */
export function exampleOf(tools: boolean): Json[] {
  const asked = tools ? "How is the weather in Basel?" : "Why does water flow downhill?";
  const beginning = [
    { role: "system", content: "You are a helpful assistant." },
    { role: "user", content: asked },
  ];
  const called = [
    { role: "assistant", content: "", tool_calls: [CALL] },
    { role: "tool", tool_call_id: CALL.id, name: "weather", content: '{"celsius": 7, "sky": "rain"}' },
  ];
  const answered = [
    { role: "assistant", content: tools ? "It rains, at 7 °C." : "Because of gravity." },
    { role: "user", content: "Thank you. Say that in one word." },
  ];
  return [...beginning, ...(tools ? called : []), ...answered];
}

/** The messages that a text holds; null where it holds none. Pure. */
export function messagesIn(text: string): Json[] | null {
  try {
    const found: unknown = JSON.parse(text);
    const all = Array.isArray(found) && found.length > 0 && found.every((one) => one && typeof one === "object");
    return all ? (found as Json[]) : null;
  } catch {
    return null;
  }
}

/** What has the template of a described model: itself, else its first weights; null where neither is told. Pure. */
export function sourceOf(model: Json | null): Pick<TemplateBody, "chat_template" | "model_path"> | null {
  const own = at(model, ["chat_template"]);
  if (typeof own === "string" && own !== "") return { chat_template: own };
  const spec = at(model, ["model_specs", 0]);
  const uri = at(spec, ["model_uri"]);
  if (typeof uri === "string" && uri !== "") return { model_path: uri.replace(/^file:\/\//, "") };
  const id = at(spec, ["model_id"]);
  if (typeof id !== "string" || id === "") return null;
  return { model_path: `${at(spec, ["model_hub"]) === "modelscope" ? "modelscope" : "hf"}:${id}` };
}

/** What is asked of the server; null where there is no template, or no conversation. Pure. */
export function bodyOf(model: Json | null, { conversation, tools, thinking }: Trial): TemplateBody | null {
  const source = sourceOf(model);
  const messages = messagesIn(conversation);
  if (!source || !messages) return null;
  return {
    ...source,
    messages,
    ...(tools && { tools: TOOLS }),
    ...(thinking !== "default" && { enable_thinking: thinking === "on" }),
  };
}

/** The lines of a template around one of them, each with its number. `around`: how many before and after it. Pure. */
export function linesAround(template: string, line: number, around = 3): { number: number; text: string }[] {
  const all = template.split("\n").map((text, index) => ({ number: index + 1, text: text.slice(0, 500) }));
  return all.slice(Math.max(line - 1 - around, 0), line + around);
}
