import { queryOptions } from "@tanstack/react-query";
import { api, got, gotText } from "./client";
import { type Sample, sampled, sampleOf } from "./metrics";
import { keys, LIVE_MS } from "./queries";

/** What changes by itself and several pages show. */
export const live = {
  metrics: queryOptions({
    queryKey: keys.metrics,
    queryFn: async ({ signal, client }): Promise<Sample[]> => {
      const now = sampleOf(await gotText("metrics", signal), Date.now());
      return sampled(client.getQueryData<Sample[]>(keys.metrics) ?? [], now);
    },
    refetchInterval: LIVE_MS,
  }),
  devices: queryOptions({
    queryKey: keys.devices,
    queryFn: ({ signal }) => got(api.GET("/v1/devices", { signal })),
    refetchInterval: LIVE_MS,
  }),
  models: queryOptions({
    queryKey: keys.models,
    queryFn: ({ signal }) => got(api.GET("/v1/models", { signal })),
    refetchInterval: LIVE_MS,
  }),
  /** Models that take no requests yet, and those that failed. */
  underway: queryOptions({
    queryKey: keys.underway,
    queryFn: ({ signal }) => got(api.GET("/v1/progress", { signal })),
    refetchInterval: LIVE_MS,
  }),
};
