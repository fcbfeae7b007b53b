import type { ChatBody } from "../../api/chat";
import type { Conversation, Settings, Turn } from "./conversation";
import { pathTo } from "./tree";

type Message = ChatBody["messages"][number];

/** What may be typed for each parameter: its least and its greatest value, and whether it is whole. */
export const LIMITS = {
  temperature: { min: 0, max: 2, whole: false },
  top_p: { min: 0, max: 1, whole: false },
  max_tokens: { min: 1, max: 16_777_216, whole: true },
  seed: { min: 0, max: 4_294_967_295, whole: true },
} as const;
export type Parameter = keyof typeof LIMITS;
export const PARAMETERS = Object.keys(LIMITS) as Parameter[];

/** Whether a parameter may be sent as it was typed. Empty is fine: the model's own default. */
export function fits(name: Parameter, typed: string): boolean {
  if (typed.trim() === "") return true;
  const { min, max, whole } = LIMITS[name];
  const value = Number(typed);
  return value >= min && value <= max && (!whole || Number.isInteger(value));
}

/** The request for what comes after the turn `leaf`. Parameters that do not fit are left out. */
export function requestOf(conversation: Conversation, leaf: string | null, model: string): ChatBody {
  const system: Message[] = conversation.settings.system.trim()
    ? [{ role: "system", content: conversation.settings.system }]
    : [];
  const said = pathTo(conversation.turns, leaf).filter((turn) => turn.text || turn.pictures.length > 0);
  return { model, messages: [...system, ...said.map(messageOf)], ...parametersOf(conversation.settings) };
}

function messageOf(turn: Turn): Message {
  if (turn.pictures.length === 0) return { role: turn.role, content: turn.text };
  const pictures = turn.pictures.map((url) => ({ type: "image_url" as const, image_url: { url } }));
  const text = turn.text ? [{ type: "text" as const, text: turn.text }] : [];
  return { role: turn.role, content: [...pictures, ...text] };
}

function parametersOf(settings: Settings): Partial<Record<Parameter, number>> {
  const sent = PARAMETERS.filter((name) => settings[name].trim() !== "" && fits(name, settings[name]));
  return Object.fromEntries(sent.map((name) => [name, Number(settings[name])]));
}
