import { useQuery } from "@tanstack/react-query";
import { live } from "../api/live";
import type { Model } from "../api/types";

/** The models that are able to do something, and which of them is asked: the one in the address, else one that is ready. */
export function useModelFor(able: (model: Model) => boolean, asked: string | undefined) {
  const { data, error } = useQuery(live.models);
  const models = data?.data.filter(able);
  const model = asked ?? (models?.find((one) => one.state === "ready") ?? models?.[0])?.id ?? "";
  return { models, model, error };
}
