import type { CallPiece, TokenOdds, Usage } from "../../api/chat";

/** What a request says beside its messages, as it was typed; empty where the model's own default holds. */
export interface Settings {
  system: string;
  temperature: string;
  top_p: string;
  max_tokens: string;
  seed: string;
  /** Which of the four below the answer must follow, of FORMS. */
  form: string;
  schema: string;
  regex: string;
  choice: string;
  grammar: string;
  tools: string;
  toolChoice: string;
  thinking: string;
  logprobs: string;
}

/** What an answer had to look like. */
export interface Form {
  kind: "object" | "schema" | "regex" | "choice" | "grammar";
  /** As it was typed; empty where the kind says all. */
  text: string;
}

/** A tool that a model wants called, with its arguments in JSON. */
export type Call = Omit<CallPiece, "index">;

/** What a tool answered to the call with this id. */
export interface Result {
  id: string;
  text: string;
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
  role: "user" | "assistant" | "tool";
  text: string;
  thoughts: string;
  /** Data URLs. */
  pictures: string[];
  sounds: string[];
  model: string;
  end: string;
  fault: TurnFault | null;
  usage: Usage | null;
  speed: number | null;
  form: Form | null;
  /** What of the request the engine could not heed, in the server's words. */
  ignored: string;
  calls: readonly Call[];
  results: readonly Result[];
  tokens: readonly TokenOdds[];
}

/** A tree of turns: those with one parent are branches. `leaf` ends the branch that is shown. `at`: ms since 1970. */
export interface Conversation {
  id: string;
  title: string;
  /** When a reader gave it its title, in ms since 1970; 0 where it is what was said first. */
  named: number;
  at: number;
  settings: Settings;
  turns: readonly Turn[];
  leaf: string | null;
}

export const NO_SETTINGS: Settings = {
  ...{ system: "", temperature: "", top_p: "", max_tokens: "", seed: "" },
  ...{ form: "", schema: "", regex: "", choice: "", grammar: "" },
  ...{ tools: "", toolChoice: "", thinking: "", logprobs: "" },
};

const NOTHING: Omit<Turn, "id" | "parent" | "role"> = {
  ...{ text: "", thoughts: "", pictures: [], sounds: [], model: "", end: "", fault: null, usage: null, speed: null },
  ...{ form: null, ignored: "", calls: [], results: [], tokens: [] },
};

/** A turn that has only just begun. */
export function newTurn(id: string, parent: string | null, role: Turn["role"], rest: Partial<Turn> = {}): Turn {
  return { ...NOTHING, id, parent, role, ...rest };
}

/** A conversation with all that an older page did not keep. */
export function whole(kept: Conversation): Conversation {
  const turns = kept.turns.map((turn) => ({ ...NOTHING, ...turn }));
  return { ...kept, named: kept.named ?? 0, settings: { ...NO_SETTINGS, ...kept.settings }, turns };
}
