import type { ReasonTold } from "./types";

/** What went wrong with a request, as the gateway says it. `status` is 0 where no answer came. */
export class ApiError extends Error {
  constructor(
    message: string,
    readonly status: number,
    readonly code: string,
    readonly param: string | null = null,
    readonly requestId: string | null = null,
    /** What the message says, where the gateway knows. */
    readonly reasons: readonly ReasonTold[] = [],
  ) {
    super(message);
  }
}

/** The error that an answer holds, in the shape of OpenAI's API. */
export function errorOf(response: Response, body: unknown): ApiError {
  const details = isObject(body) && isObject(body["error"]) ? body["error"] : {};
  const message = typeof details["message"] === "string" ? details["message"] : response.statusText;
  const code = typeof details["code"] === "string" ? details["code"] : `http_${response.status}`;
  const param = typeof details["param"] === "string" ? details["param"] : null;
  const reasons = Array.isArray(details["reasons"]) ? (details["reasons"] as ReasonTold[]) : [];
  return new ApiError(message, response.status, code, param, response.headers.get("x-request-id"), reasons);
}

/** The error of a request that got no answer. */
export function unreachable(cause: unknown): ApiError {
  return new ApiError(cause instanceof Error ? cause.message : String(cause), 0, "unreachable");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
