import type { Model } from "../../api/types";
import type { Conversation } from "./conversation";
import { pathTo } from "./tree";

/** How many models are asked at once, at most. */
export const MOST_BESIDE = 4;

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

/** The models that are asked at once: this one and those beside it, each once, and no more than MOST_BESIDE of them. */
export function askedOf(model: string, beside: readonly string[]): string[] {
  return [...new Set([model, ...beside])].filter(Boolean).slice(0, MOST_BESIDE);
}

/** What a model can do that changes what it is asked. */
export function does(models: readonly Model[] | undefined, id: string, ability: string): boolean {
  return models?.find((model) => model.id === id)?.model_ability.includes(ability) ?? false;
}
