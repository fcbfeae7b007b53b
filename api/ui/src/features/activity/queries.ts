import { queryOptions } from "@tanstack/react-query";
import { api, got } from "../../api/client";
import { live } from "../../api/live";
import { keys, LIVE_MS } from "../../api/queries";

const MOST = 100;

/** While nothing is under way, models are asked for at half the pace, and jobs more seldom. */
const MODELS_IDLE_MS = 2 * LIVE_MS;
const JOBS_IDLE_MS = 5 * LIVE_MS;

export interface JobCounts {
  running: number;
  queued: number;
  /** Whether there are more than were counted. */
  isMore: boolean;
}

async function jobsIn(state: "running" | "queued", signal: AbortSignal) {
  return got(api.GET("/v1/jobs", { params: { query: { state, limit: MOST } }, signal }));
}

/** How many jobs of this key run and wait. */
export const jobCounts = queryOptions({
  queryKey: keys.jobCounts,
  queryFn: async ({ signal }): Promise<JobCounts> => {
    const [running, queued] = await Promise.all([jobsIn("running", signal), jobsIn("queued", signal)]);
    return { running: running.data.length, queued: queued.data.length, isMore: running.has_more || queued.has_more };
  },
  refetchInterval: ({ state: { data } }) => (data && data.running + data.queued > 0 ? LIVE_MS : JOBS_IDLE_MS),
});

/** What is under way of models, asked for seldom while none of them loads or waits. */
export const models = {
  ...live.underway,
  refetchInterval: ({ state: { data } }: { state: { data: { data: { state: string }[] } | undefined } }) =>
    data?.data.some(({ state }) => state !== "failed") ? LIVE_MS : MODELS_IDLE_MS,
};
