import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { api, got } from "../../api/client";
import { keys, LIVE_MS } from "../../api/queries";
import type { Body } from "./draft";

/** What a launch would need, and where it would go now. It is asked again, as others come and go. */
export function estimateQuery(body: Body) {
  return queryOptions({
    queryKey: keys.estimate(body),
    queryFn: ({ signal }) => got(api.POST("/v1/models/estimate", { body, signal })),
    placeholderData: keepPreviousData,
    refetchInterval: ({ state }) => (state.status === "error" ? false : 5 * LIVE_MS),
  });
}

/** The engines that there are, and what each reads. */
export const enginesQuery = queryOptions({
  queryKey: keys.engines,
  queryFn: ({ signal }) => got(api.GET("/v1/engines", { signal })),
  staleTime: 60_000,
});

/** The options of an engine for models of a type, as a JSON Schema. */
export function optionsQuery(engine: string, type: string) {
  return queryOptions({
    queryKey: keys.engineOptions(engine, type),
    queryFn: ({ signal }) =>
      got(
        api.GET("/v1/engines/{engine}/options", {
          params: { path: { engine }, query: type ? { model_type: type } : {} },
          signal,
        }),
      ),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** How a model was launched before, the newest first. */
export function launchesQuery(name: string) {
  return queryOptions({
    queryKey: keys.launches(name),
    queryFn: ({ signal }) => got(api.GET("/v1/launch_history", { params: { query: { model_name: name } }, signal })),
  });
}
