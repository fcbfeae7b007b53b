import { apiUrl } from "./address";
import { errorOf, unreachable } from "./errors";

/** The JSON that a model answers to a request. Throws an ApiError where it fails, and an AbortError where it is stopped. */
export async function asked<T>(path: string, body: object, signal: AbortSignal): Promise<T> {
  const response = await fetch(apiUrl(path), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    signal,
  }).catch((cause: unknown) => {
    throw signal.aborted ? cause : unreachable(cause);
  });
  const answer: unknown = await response.json().catch((cause: unknown) => {
    if (signal.aborted || response.ok) throw signal.aborted ? cause : unreachable(cause);
  });
  if (!response.ok) throw errorOf(response, answer);
  return answer as T;
}
