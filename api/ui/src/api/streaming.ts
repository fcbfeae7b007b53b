import { posted } from "./asking";
import { ApiError, errorOf, unreachable } from "./errors";
import { events } from "./sse";

/**
 * The pieces of an answer that comes as events. Throws an ApiError where it fails, in its midst too, and where it ends
 * before its last piece; an AbortError where it is stopped.
 */
export async function* pieces<T>(
  response: Response,
  signal: AbortSignal,
  read: (data: string) => T,
  isLast: (piece: T) => boolean,
): AsyncGenerator<T> {
  if (!response.body) throw errorOf(response, null);
  let isWhole = false;
  try {
    for await (const data of events(response.body)) {
      const piece = read(data);
      isWhole ||= isLast(piece); // what is left is read too: to leave here would break the connection off
      yield piece;
    }
  } catch (cause) {
    throw signal.aborted || cause instanceof ApiError ? cause : unreachable(cause);
  }
  if (!isWhole) throw unreachable(new Error("the stream ended before the answer did"));
}

/** Asks a model at a path, and gives the parts of its answer as they come, with what they came in. Throws an ApiError
 *  where it fails or breaks off. */
export async function* streamed(
  path: string,
  body: object,
  signal: AbortSignal,
): AsyncGenerator<{ data: string | null; response: Response }> {
  // What is stopped has its tokens counted, too.
  const options = { include_usage: true, continuous_usage_stats: true };
  const asked = { ...body, stream: true, stream_options: options };
  const response = await posted(path, asked, signal);
  yield { data: null, response };
  const isEnd = (data: string) => data === "[DONE]";
  for await (const data of pieces(response, signal, (one) => one, isEnd)) if (!isEnd(data)) yield { data, response };
}
