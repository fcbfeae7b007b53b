import { apiUrl } from "./address";
import { errorOf, unreachable } from "./errors";

/**
 * What a path answers to a request of JSON, or to a form. `headers`: further ones. Throws an ApiError where it refuses,
 * and an AbortError where it is stopped.
 */
export async function posted(
  path: string,
  body: object,
  signal: AbortSignal,
  headers: Record<string, string> = {},
): Promise<Response> {
  const response = await fetch(apiUrl(path), {
    method: "POST",
    ...(body instanceof FormData
      ? { headers, body }
      : { headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) }),
    signal,
  }).catch((cause: unknown) => {
    throw signal.aborted ? cause : unreachable(cause);
  });
  if (response.ok) return response;
  const said: unknown = await response.json().catch((cause: unknown) => {
    if (signal.aborted) throw cause;
  });
  throw errorOf(response, said);
}

/** The JSON that a model answers to a request. Throws as `posted` does. */
export async function asked<T>(path: string, body: object, signal: AbortSignal): Promise<T> {
  const response = await posted(path, body, signal);
  return response.json().catch((cause: unknown) => {
    throw signal.aborted ? cause : unreachable(cause);
  });
}
