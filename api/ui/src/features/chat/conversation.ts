import type { Usage } from "../../api/chat";

/** What a request says beside its messages, as it was typed; empty where the model's own default holds. */
export interface Settings {
  system: string;
  temperature: string;
  top_p: string;
  max_tokens: string;
  seed: string;
}

/** Why a turn failed. */
export interface TurnFault {
  message: string;
  code: string;
  requestId: string | null;
}

/** What was said by one side. `end` is empty while it is written; `speed` is in tokens per second. */
export interface Turn {
  id: string;
  parent: string | null;
  role: "user" | "assistant";
  text: string;
  thoughts: string;
  /** Data URLs. */
  pictures: string[];
  model: string;
  end: string;
  fault: TurnFault | null;
  usage: Usage | null;
  speed: number | null;
}

/** A tree of turns: those with one parent are branches. `leaf` ends the branch that is shown. `at`: ms since 1970. */
export interface Conversation {
  id: string;
  title: string;
  at: number;
  settings: Settings;
  turns: readonly Turn[];
  leaf: string | null;
}

export const NO_SETTINGS: Settings = { system: "", temperature: "", top_p: "", max_tokens: "", seed: "" };

/** A turn that has only just begun. */
export function newTurn(id: string, parent: string | null, role: Turn["role"], rest: Partial<Turn> = {}): Turn {
  const empty = { text: "", thoughts: "", pictures: [], model: "", end: "", fault: null, usage: null, speed: null };
  return { ...empty, id, parent, role, ...rest };
}
