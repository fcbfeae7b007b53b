import { queryOptions } from "@tanstack/react-query";
import { api, got } from "./client";
import { keys, LIVE_MS } from "./queries";
import type { components, paths } from "./schema";

export type Batch = components["schemas"]["Batch"];
export type BatchState = components["schemas"]["BatchState"];
export type NewBatch = NonNullable<paths["/v1/batches"]["post"]["requestBody"]>["content"]["application/json"];
export type Endpoint = NewBatch["endpoint"];

/** Where the requests of a batch may go. */
export const ENDPOINTS = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/messages",
  "/v1/responses",
  "/v1/embeddings",
  "/v1/rerank",
  "/v1/images/generations",
  "/v1/images/edits",
  "/v1/images/variations",
  "/v1/images/inpainting",
  "/v1/audio/transcriptions",
  "/v1/audio/translations",
  "/v1/audio/speech",
  "/v1/videos",
] as const satisfies readonly Endpoint[];

/** The states of batches that are not over. */
export const OPEN = ["validating", "in_progress", "finalizing", "cancelling"] as const satisfies readonly BatchState[];

/** How many batches a page has. */
export const BATCHES_A_PAGE = 20;

/** Whether a batch in this state is over: it changes no more. */
export function isEnded(state: BatchState): boolean {
  return !(OPEN as readonly BatchState[]).includes(state);
}

/** A page of this key's batches in these states, or in all, the newest first. `after`: the last id of the page before. */
export function batchesQuery(status: readonly BatchState[], after?: string) {
  const query = { limit: BATCHES_A_PAGE, ...(status.length > 0 && { status: [...status] }), ...(after && { after }) };
  return queryOptions({
    queryKey: [...keys.batches, "list", status, after] as const,
    queryFn: ({ signal }) => got(api.GET("/v1/batches", { params: { query }, signal })),
    refetchInterval: LIVE_MS,
  });
}

/** A batch as it is now; it is asked again until it is over. */
export function batchQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.batches, "one", id] as const,
    queryFn: ({ signal }) => got(api.GET("/v1/batches/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data && isEnded(state.data.status) ? false : LIVE_MS),
  });
}

/** How many lines that failed are shown of a batch that is not over. */
export const FAILURES_SHOWN = 100;

/** The lines that have failed so far, the first ones, of a batch that is not over; they are asked again while it lasts. */
export function failuresQuery(id: string) {
  const params = { path: { id }, query: { limit: FAILURES_SHOWN } };
  return queryOptions({
    queryKey: [...keys.batches, "failures", id] as const,
    queryFn: ({ signal }) => got(api.GET("/v1/batches/{id}/failures", { params, signal })),
    refetchInterval: LIVE_MS,
  });
}

/** Creates a batch. */
export function createBatch(body: NewBatch): Promise<Batch> {
  return got(api.POST("/v1/batches", { body }));
}

/** Stops a batch; throws an ApiError of status 409 where it is over. */
export function cancelBatch(id: string): Promise<Batch> {
  return got(api.POST("/v1/batches/{id}/cancel", { params: { path: { id } } }));
}
