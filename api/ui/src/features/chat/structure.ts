import type { ChatBody } from "../../api/chat";
import type { Form, Settings } from "./conversation";

export const FORMS = ["", "object", "schema", "regex", "choice", "grammar"] as const;
export const TOOL_CHOICES = ["", "one", "required", "none"] as const;
export const THINKING = ["", "on", "off", "low", "medium", "high"] as const;
/** The likeliest tokens that are told in the place of each. */
export const MOST_OTHERS = 5;

type Kind = Form["kind"];
type Tools = NonNullable<ChatBody["tools"]>;

/** What is wrong with a form or with tools, as they were typed. */
export type StructureFault = "empty" | "json" | "object" | "tools";

export const EXAMPLES = {
  schema: `{
  "type": "object",
  "properties": {
    "city": { "type": "string" },
    "celsius": { "type": "number" }
  },
  "required": ["city", "celsius"]
}`,
  regex: "[0-9]{4}-[0-9]{2}-[0-9]{2}",
  choice: "yes\nno",
  grammar: 'root ::= ("red" | "green" | "blue") " " [0-9]+',
  tools: `[
  {
    "type": "function",
    "function": {
      "name": "weather",
      "description": "The weather in a city",
      "parameters": {
        "type": "object",
        "properties": { "city": { "enum": ["Oslo", "Rome"] } },
        "required": ["city"]
      }
    }
  }
]`,
} as const;

/** The kind of form that is chosen; null where the answer is free. */
export function kindOf(settings: Settings): Kind | null {
  return FORMS.find((kind): kind is Kind => kind !== "" && kind === settings.form) ?? null;
}

/** What the answer has to look like; null where it is free, or what was typed cannot be sent. */
export function formOf(settings: Settings): Form | null {
  const kind = kindOf(settings);
  if (!kind || formFault(settings)) return null;
  return { kind, text: kind === "object" ? "" : settings[kind].trim() };
}

/** What is wrong with the form that was typed. */
export function formFault(settings: Settings): StructureFault | null {
  const kind = kindOf(settings);
  if (!kind || kind === "object") return null;
  if (settings[kind].trim() === "") return "empty";
  if (kind !== "schema") return null;
  const schema = parsed(settings.schema);
  if (schema === undefined) return "json";
  return isObject(schema) ? null : "object";
}

/** The tools that were typed; null where there are none, or they cannot be sent. */
export function toolsOf(settings: Settings): Tools | null {
  return settings.tools.trim() && !toolsFault(settings) ? (parsed(settings.tools) as Tools) : null;
}

/** What is wrong with the tools that were typed. */
export function toolsFault(settings: Settings): StructureFault | null {
  if (settings.tools.trim() === "") return null;
  const tools = parsed(settings.tools);
  if (tools === undefined) return "json";
  const isTool = (one: unknown) => isObject(one) && isObject(one["function"]) && Boolean(one["function"]["name"]);
  return Array.isArray(tools) && tools.length > 0 && tools.every(isTool) ? null : "tools";
}

/** What of a request asks for the form, the tools, the thoughts and the odds that were chosen. */
export function structured(settings: Settings, thinks: boolean): Partial<ChatBody> {
  const form = formOf(settings);
  const tools = toolsOf(settings);
  return {
    ...(form && asked(form)),
    ...(tools && { tools, ...chosen(settings.toolChoice) }),
    ...(thinks && thought(settings.thinking)),
    ...(settings.logprobs && { logprobs: true, top_logprobs: MOST_OTHERS }),
  };
}

function asked({ kind, text }: Form): Partial<ChatBody> {
  if (kind === "object") return { response_format: { type: "json_object" } };
  if (kind === "schema")
    return {
      response_format: { type: "json_schema", json_schema: { name: "answer", schema: JSON.parse(text) } },
    };
  return { structured_outputs: kind === "choice" ? { choice: choices(text) } : { [kind]: text } };
}

/** The choices of a text: a line each. */
export function choices(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
}

function chosen(typed: string): Partial<ChatBody> {
  if (typed === "one") return { tool_choice: "required", parallel_tool_calls: false };
  return typed === "required" || typed === "none" ? { tool_choice: typed } : {};
}

function thought(typed: string): Partial<ChatBody> {
  if (typed === "on" || typed === "off") return { enable_thinking: typed === "on" };
  return typed === "low" || typed === "medium" || typed === "high" ? { reasoning_effort: typed } : {};
}

/** The value of a JSON text; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
