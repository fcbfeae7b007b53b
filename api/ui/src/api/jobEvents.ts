import { ApiError } from "./errors";
import { followed } from "./follow";
import { isOver, type JobState } from "./jobs";

/** What is known of a job that is followed. `preview`: a data URL; `etaS`: seconds until it should be done. */
export interface Course {
  state: JobState | null;
  progress: number;
  step: number | null;
  steps: number | null;
  position: number | null;
  etaS: number | null;
  preview: string | null;
  /** `broken`: the server is away, and asked again. */
  connection: "opening" | "open" | "broken" | "closed";
  /** Why it can be followed no more. */
  error: Error | null;
}

export const UNKNOWN: Course = {
  state: null,
  progress: 0,
  step: null,
  steps: null,
  position: null,
  etaS: null,
  preview: null,
  connection: "opening",
  error: null,
};

const AGAIN_MS = 2000;

/** A course after an event of the stream, which is told by what its data holds. Pure. */
export function heard(before: Course, data: Record<string, unknown>): Course {
  if (typeof data["state"] === "string") {
    const state = data["state"] as JobState;
    const waits = state === "queued";
    const progress = number(data["progress"]) ?? (waits ? 0 : before.progress);
    const known = { position: number(data["position"]), etaS: number(data["eta_s"]) };
    const place = waits ? known : { position: null, etaS: null };
    return { ...before, state, progress, ...place };
  }
  if (typeof data["image"] === "string") return { ...before, preview: data["image"] };
  if (typeof data["progress"] === "number") {
    const { progress } = data;
    return { ...before, progress, step: number(data["step"]), steps: number(data["steps"]) };
  }
  if ("position" in data) return { ...before, position: number(data["position"]), etaS: number(data["eta_s"]) };
  return before;
}

/**
 * Follows a job until it is over, refused, or `signal` is aborted, and tells of every change. A connection that breaks
 * is made again; the server then tells all from the beginning, and the last preview is kept until the next.
 */
export async function followJob(id: string, signal: AbortSignal, tell: (course: Course) => void): Promise<void> {
  let course = UNKNOWN;
  const change = (next: Course) => {
    course = next;
    if (!signal.aborted) tell(course);
  };
  while (!signal.aborted) {
    try {
      const events = await followed(`v1/jobs/${encodeURIComponent(id)}/events`, signal);
      change({ ...UNKNOWN, preview: course.preview, connection: "open" });
      for await (const data of events) change(heard(course, JSON.parse(data) as Record<string, unknown>));
      if (course.state && isOver(course.state)) return change({ ...course, connection: "closed" });
    } catch (cause) {
      if (signal.aborted) return;
      if (isRefusal(cause)) return change({ ...course, connection: "closed", error: cause as Error });
    }
    if (signal.aborted) return;
    change({ ...course, connection: "broken" });
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** Whether asking again would be answered in the same way. Too many requests are only asked later. */
function isRefusal(cause: unknown): boolean {
  return !(cause instanceof ApiError) || (cause.status >= 400 && cause.status < 500 && cause.status !== 429);
}

function number(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
