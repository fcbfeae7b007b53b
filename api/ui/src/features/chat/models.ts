import type { Model } from "../../api/types";
import type { Conversation } from "./conversation";
import { pathTo } from "./tree";

/** The models that can chat. */
export function chatModels(models: readonly Model[]): Model[] {
  return models.filter((model) => model.model_ability.includes("chat"));
}

/** The model to ask: the one in the address, else that of the conversation's last answer, else one that is ready. */
export function modelFor(asked: string | undefined, able: readonly Model[], conversation?: Conversation): string {
  if (asked) return asked;
  const said = conversation ? pathTo(conversation.turns, conversation.leaf).findLast((turn) => turn.model) : undefined;
  if (said && able.some((model) => model.id === said.model)) return said.model;
  return (able.find((model) => model.state === "ready") ?? able[0])?.id ?? "";
}

/** The tokens that a model's context holds; null where that is not known. */
export function contextOf(model: Model | undefined): number | null {
  return model?.max_model_len ?? model?.context_length ?? null;
}
