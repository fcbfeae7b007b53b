import { errorOf } from "./errors";
import type { paths } from "./schema";
import { streamed } from "./streaming";
import type { EventOf } from "./types";

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

type Chunk = EventOf<"/v1/chat/completions">;

/** Asks a model, and gives its answer piece by piece. Throws an ApiError where it fails, in its midst too. */
export async function* streamChat(body: ChatBody, signal: AbortSignal): AsyncGenerator<ChatPiece> {
  for await (const { data, response } of streamed("v1/chat/completions", body, signal)) {
    if (data !== null) yield pieceOf(JSON.parse(data), response);
    else if (response.headers.has("x-headrace-ignored"))
      yield { ...pieceOf({}, response), ignored: response.headers.get("x-headrace-ignored") ?? "" };
  }
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
