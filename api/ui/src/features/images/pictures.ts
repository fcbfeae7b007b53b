import { queryOptions } from "@tanstack/react-query";
import { artifactUrl, type Job, jobResult } from "../../api/jobs";
import { keys } from "../../api/queries";
import { exactly } from "../../lib/exact";

/** A picture or a video that a job has made. `seed`: in digits, as it may be larger than a number is exact; null: not told. */
export interface Picture {
  url: string;
  isVideo: boolean;
  seed: string | null;
  isFlagged: boolean;
}

/** What a job has drawn. `warning`: what is missing in it. */
export interface Drawn {
  pictures: Picture[];
  size: string | null;
  warning: string | null;
}

const KEPT_MS = 10 * 60_000;

/** What a job has drawn. It is asked again before the addresses of its files expire. */
export function drawnQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.jobs, "drawn", id] as const,
    queryFn: async ({ signal }) => drawnOf(exactly(await (await jobResult(id, signal)).text())),
    staleTime: KEPT_MS,
    refetchInterval: KEPT_MS,
  });
}

/** The pictures of an answer. Pure. */
export function drawnOf(answer: unknown): Drawn {
  const { data, size, output_format, warning } = answer as Record<string, unknown>;
  const type = typeof output_format === "string" ? output_format : "png";
  const pictures = (Array.isArray(data) ? data : []).flatMap((one: Record<string, unknown>): Picture[] => {
    const { url, b64_json, seed, flagged } = one;
    const isVideo = type === "mp4";
    if (isVideo && typeof url !== "string") return []; // no page may play what has no address
    const at = typeof url === "string" ? artifactUrl(url) : `data:image/${type};base64,${b64_json}`;
    return [{ url: at, isVideo, seed: seed === undefined ? null : String(seed), isFlagged: flagged === true }];
  });
  return { pictures, size: text(size), warning: text(warning) };
}

/** The jobs whose events are followed: few, as a browser has few connections. Those that are done first. Pure. */
export function followedOf(jobs: readonly Pick<Job, "id" | "state">[]): ReadonlySet<string> {
  const oldest = (state: string) => jobs.filter((one) => one.state === state).reverse();
  return new Set([...oldest("running"), ...oldest("queued")].slice(0, 2).map(({ id }) => id));
}

function text(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
