import { queryOptions } from "@tanstack/react-query";
import { exactly } from "../lib/exact";
import { apiBase, apiUrl } from "./address";
import { api, got, gotText } from "./client";
import { errorOf, unreachable } from "./errors";
import { keys, LIVE_MS } from "./queries";
import type { components } from "./schema";

export type Job = components["schemas"]["Job"];
export type PlacedJob = components["schemas"]["PlacedJob"];
export type AskedJob = components["schemas"]["AskedJob"];
export type JobState = components["schemas"]["JobState"];

/** Which jobs a list shows. `kind`: one, or how some begin; `after`: the last id of the page before. */
export interface JobFilters {
  state?: JobState;
  model?: string;
  kind?: string;
  after?: string;
}

/** How many jobs a page has. */
export const PAGE = 20;

const FINAL: readonly string[] = ["succeeded", "failed", "cancelled", "expired"] satisfies JobState[];

/** Whether a job in this state is over: it changes no more, unless it is tried again. */
export function isOver(state: JobState): boolean {
  return FINAL.includes(state);
}

/** A page of this key's jobs, the newest first. */
export function jobsQuery(filters: JobFilters, limit = PAGE) {
  return queryOptions({
    queryKey: [...keys.jobs, "list", filters, limit] as const,
    queryFn: ({ signal }) => got(api.GET("/v1/jobs", { params: { query: { ...filters, limit } }, signal })),
    refetchInterval: LIVE_MS,
  });
}

/** A job with its place in the queue; it is asked again until it is over. */
export function jobQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.jobs, "one", id] as const,
    queryFn: ({ signal }) => got(api.GET("/v1/jobs/{id}", { params: { path: { id } }, signal })),
    refetchInterval: ({ state }) => (state.data && isOver(state.data.state) ? false : LIVE_MS),
  });
}

/** What a job was asked, which does not change; integers that a number does not hold are digits. The URLs of its files hold for a while. */
export function requestQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.jobs, "request", id] as const,
    queryFn: async ({ signal }) =>
      exactly(await gotText(`v1/jobs/${encodeURIComponent(id)}/request`, signal)) as AskedJob,
    staleTime: 60_000,
  });
}

/** The webhooks that a job caused. */
export function deliveriesQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.jobs, "deliveries", id] as const,
    queryFn: ({ signal }) => got(api.GET("/v1/jobs/{id}/deliveries", { params: { path: { id } }, signal })),
  });
}

/** Submits a job; throws an ApiError whose `param` begins with `input.` where that is about its input. */
export function submitJob(body: { kind: string; model: string; input: Record<string, unknown> }): Promise<PlacedJob> {
  return got(api.POST("/v1/jobs", { body: { ...body, priority: 0 } }));
}

/** Cancels a job; throws an ApiError of status 409 where it has ended in another way. */
export function cancelJob(id: string): Promise<Job> {
  return got(api.POST("/v1/jobs/{id}/cancel", { params: { path: { id } } }));
}

/** Queues a job again that failed, was cancelled or expired; throws an ApiError of status 409 for any other. */
export function retryJob(id: string): Promise<PlacedJob> {
  return got(api.POST("/v1/jobs/{id}/retry", { params: { path: { id } } }));
}

/** Deletes a job that is over, with its files; throws an ApiError of status 409 while it is not. */
export async function deleteJob(id: string): Promise<void> {
  await got(api.DELETE("/v1/jobs/{id}", { params: { path: { id } } }));
}

/** The answer of a job's endpoint, of whatever media type; throws the job's own error as an ApiError where it failed. */
export async function jobResult(id: string, signal?: AbortSignal): Promise<Response> {
  const path = apiUrl(`v1/jobs/${encodeURIComponent(id)}/result`);
  const response = await fetch(path, signal ? { signal } : {}).catch((cause: unknown) => {
    throw unreachable(cause);
  });
  if (!response.ok) throw errorOf(response, await response.json().catch(() => undefined));
  return response;
}

const OWN = "/v1/artifacts/";

/**
 * Where this page reaches a file that a result names: the server may know itself by another name, or lie behind a
 * prefix that it does not know. Addresses of a bucket stay as they are. Pure, but for where this page lies.
 */
export function artifactUrl(url: string, base: URL = apiBase): string {
  const given = URL.parse(url, base);
  const at = given?.pathname.indexOf(OWN) ?? -1;
  if (!given || at < 0) return url;
  return new URL(given.pathname.slice(at + 1) + given.search, base).href;
}
