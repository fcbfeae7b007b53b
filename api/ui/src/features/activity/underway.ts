import type { ModelUnderway } from "../../api/types";

/** What is under way of models: those that become ready, and those that could not. */
export interface Underway {
  moving: ModelUnderway[];
  failed: ModelUnderway[];
}

/** A failure's name: one of a later launch has another. Pure. */
export function failureOf(model: ModelUnderway): string {
  return `${model.created} ${model.model_uid}`;
}

/** Models that load or wait, and failures that were not hidden. Pure. */
export function underway(models: readonly ModelUnderway[], hidden: readonly string[]): Underway {
  return {
    moving: models.filter(({ state }) => state !== "failed"),
    failed: models.filter((model) => model.state === "failed" && !hidden.includes(failureOf(model))),
  };
}

/** Of the failures that were hidden, those that still are: not those of models that were ready since, or left. Pure. */
export function stillHidden(hidden: readonly string[], models: readonly ModelUnderway[]): string[] {
  const unsettled = models.map(failureOf);
  return hidden.filter((one) => unsettled.includes(one));
}
