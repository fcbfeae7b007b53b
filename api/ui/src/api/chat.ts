import { apiUrl } from "./address";
import { ApiError, errorOf, unreachable } from "./errors";
import type { paths } from "./schema";
import { events } from "./sse";

type Post = paths["/v1/chat/completions"]["post"];
export type ChatBody = NonNullable<Post["requestBody"]>["content"]["application/json"];

/** Tokens of a request and of its answer. */
export interface Usage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}

/** A piece of an answer. */
export interface ChatPiece {
  text: string;
  thoughts: string;
  finish: string | null;
  usage: Usage | null;
}

interface Chunk {
  choices?: { delta?: { content?: string | null; reasoning_content?: string | null }; finish_reason?: string | null }[];
  usage?: Usage | null;
  error?: unknown;
}

/** Asks a model, and gives its answer piece by piece. Throws an ApiError where it fails, in its midst too. */
export async function* streamChat(body: ChatBody, signal: AbortSignal): AsyncGenerator<ChatPiece> {
  const response = await fetch(apiUrl("v1/chat/completions"), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...body, stream: true, stream_options: { include_usage: true } }),
    signal,
  }).catch((cause: unknown) => {
    throw signal.aborted ? cause : unreachable(cause);
  });
  if (!response.ok || !response.body) throw errorOf(response, await response.json().catch(() => null));
  let isWhole = false;
  try {
    for await (const data of events(response.body)) {
      // What is left is read too: to leave here would break the connection off.
      if (data === "[DONE]") isWhole = true;
      else yield pieceOf(JSON.parse(data), response);
    }
  } catch (cause) {
    throw signal.aborted || cause instanceof ApiError ? cause : unreachable(cause);
  }
  if (!isWhole) throw unreachable(new Error("the stream ended before the answer did"));
}

/** What an event of the stream says. Throws the ApiError that it holds. */
export function pieceOf(chunk: Chunk, response: Response): ChatPiece {
  if (chunk.error) throw errorOf(response, chunk);
  const choice = chunk.choices?.[0];
  return {
    text: choice?.delta?.content ?? "",
    thoughts: choice?.delta?.reasoning_content ?? "",
    finish: choice?.finish_reason ?? null,
    usage: chunk.usage ?? null,
  };
}
