import type { ChatBody } from "../../api/chat";
import type { Conversation, Settings, Turn } from "./conversation";
import { structured } from "./structure";
import { pathTo } from "./tree";

type Message = ChatBody["messages"][number];

/** Who is asked, and whether that model has thoughts to switch on and off. */
export interface Asked {
  model: string;
  thinks: boolean;
}

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

/** The request for what comes after the turn `leaf`, or goes on with it. What does not fit is left out. To what tools
 *  answered a model may say what it likes: calls that are required would never end. */
export function requestOf(conversation: Conversation, leaf: string | null, asked: Asked, goesOn = false): ChatBody {
  const { settings } = conversation;
  const system: Message[] = settings.system.trim() ? [{ role: "system", content: settings.system }] : [];
  const path = pathTo(conversation.turns, leaf);
  const said = path.flatMap((turn, at) => messagesOf(turn, path[at + 1]));
  return {
    model: asked.model,
    messages: [...system, ...said],
    ...parametersOf(settings),
    ...(goesOn
      ? { continue_final_message: true, add_generation_prompt: false }
      : structured(path.at(-1)?.role === "tool" ? { ...settings, toolChoice: "" } : settings, asked.thinks)),
  };
}

/** A turn as messages. Calls that were not answered are left out: a model could not go on from them. */
function messagesOf(turn: Turn, next: Turn | undefined): Message[] {
  if (turn.role === "tool")
    return turn.results.map(({ id, text }) => ({ role: "tool", tool_call_id: id, content: text }));
  if (turn.role === "assistant" && next?.role === "tool") {
    const calls = turn.calls.map(({ id, name, arguments: given }) => ({
      id,
      type: "function" as const,
      function: { name, arguments: given },
    }));
    return [{ role: "assistant", content: turn.text || null, tool_calls: calls }];
  }
  const shown = [
    ...turn.pictures.map((url) => ({ type: "image_url" as const, image_url: { url } })),
    ...turn.sounds.map((url) => ({ type: "audio_url" as const, audio_url: { url } })),
  ];
  if (shown.length > 0)
    return [
      { role: turn.role, content: [...shown, ...(turn.text ? [{ type: "text" as const, text: turn.text }] : [])] },
    ];
  return turn.text ? [{ role: turn.role, content: turn.text }] : [];
}

function parametersOf(settings: Settings): Partial<Record<Parameter, number>> {
  const sent = PARAMETERS.filter((name) => settings[name].trim() !== "" && fits(name, settings[name]));
  return Object.fromEntries(sent.map((name) => [name, Number(settings[name])]));
}
