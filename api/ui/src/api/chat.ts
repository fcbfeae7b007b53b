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

/** A piece of a call: its texts are to be joined with those of the same index. */
export interface CallPiece {
  index: number;
  id: string;
  name: string;
  arguments: string;
}

/** A token, the natural logarithm of its probability, and the likeliest in its place. */
export interface TokenOdds {
  token: string;
  logprob: number;
  others: { token: string; logprob: number }[];
}

/** A piece of an answer. */
export interface ChatPiece {
  text: string;
  thoughts: string;
  finish: string | null;
  usage: Usage | null;
  calls: CallPiece[];
  tokens: TokenOdds[];
  /** What of the request is not heeded, which the first piece alone tells. */
  ignored: string;
}

interface Chunk {
  choices?: {
    delta?: {
      content?: string | null;
      reasoning_content?: string | null;
      tool_calls?: { index?: number; id?: string | null; function?: { name?: string | null; arguments?: string } }[];
    };
    logprobs?: { content?: { token: string; logprob: number; top_logprobs?: TokenOdds["others"] }[] | null } | null;
    finish_reason?: string | null;
  }[];
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
  const ignored = response.headers.get("x-headrace-ignored");
  if (ignored) yield { ...pieceOf({}, response), ignored };
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
    calls: (choice?.delta?.tool_calls ?? []).map((call, at) => ({
      index: call.index ?? at,
      id: call.id ?? "",
      name: call.function?.name ?? "",
      arguments: call.function?.arguments ?? "",
    })),
    tokens: (choice?.logprobs?.content ?? []).map(({ token, logprob, top_logprobs: others = [] }) => ({
      token,
      logprob,
      others: others.map((other) => ({ token: other.token, logprob: other.logprob })),
    })),
    ignored: "",
  };
}
