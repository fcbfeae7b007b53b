import { apiUrl } from "./address";
import { errorOf, unreachable } from "./errors";
import { events } from "./sse";

/**
 * What a path streams: resolves when the server has begun to answer, to the data of its events. Throws an ApiError where
 * the server refuses, or the stream breaks.
 */
export async function followed(path: string, signal: AbortSignal): Promise<AsyncGenerator<string>> {
  const headers = { Accept: "text/event-stream" };
  const response = await fetch(apiUrl(path), { headers, signal }).catch((cause: unknown) => {
    throw unreachable(cause);
  });
  if (!response.ok || !response.body) throw errorOf(response, await response.json().catch(() => undefined));
  return unbroken(response.body);
}

async function* unbroken(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  try {
    yield* events(body);
  } catch (cause) {
    throw unreachable(cause);
  }
}
