import { posted } from "./asking";
import { ApiError, errorOf, unreachable } from "./errors";
import { events } from "./sse";

/** Asks a model at a path, and gives the parts of its answer as they come, with what they came in. Throws an ApiError
 *  where it fails or breaks off. */
export async function* streamed(
  path: string,
  body: object,
  signal: AbortSignal,
): AsyncGenerator<{ data: string | null; response: Response }> {
  const asked = { ...body, stream: true, stream_options: { include_usage: true } };
  const response = await posted(path, asked, signal);
  if (!response.body) throw errorOf(response, null);
  yield { data: null, response };
  let isWhole = false;
  try {
    for await (const data of events(response.body)) {
      // What is left is read too: to leave here would break the connection off.
      if (data === "[DONE]") isWhole = true;
      else yield { data, response };
    }
  } catch (cause) {
    throw signal.aborted || cause instanceof ApiError ? cause : unreachable(cause);
  }
  if (!isWhole) throw unreachable(new Error("the stream ended before the answer did"));
}
