import { queryOptions } from "@tanstack/react-query";
import { api, got } from "./client";
import { keys, LIVE_MS } from "./queries";

/** What changes by itself and several pages show. */
export const live = {
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
};
