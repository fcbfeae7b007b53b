import { queryOptions } from "@tanstack/react-query";
import { api, got } from "../../api/client";
import { keys, LIVE_MS } from "../../api/queries";

/** A model. */
export function modelQuery(uid: string) {
  return queryOptions({
    queryKey: keys.model(uid),
    queryFn: ({ signal }) => got(api.GET("/v1/models/{uid}", { params: { path: { uid } }, signal })),
    refetchInterval: LIVE_MS,
  });
}

/** Its replicas. */
export function replicasQuery(uid: string) {
  return queryOptions({
    queryKey: keys.replicas(uid),
    queryFn: ({ signal }) => got(api.GET("/v1/models/{uid}/replicas", { params: { path: { uid } }, signal })),
    refetchInterval: LIVE_MS,
  });
}

/** What happened to it, the newest last. */
export function eventsQuery(uid: string) {
  return queryOptions({
    queryKey: keys.events(uid),
    queryFn: ({ signal }) =>
      got(api.GET("/v1/models/{uid}/events", { params: { path: { uid }, query: { limit: 200 } }, signal })),
    refetchInterval: LIVE_MS,
  });
}
