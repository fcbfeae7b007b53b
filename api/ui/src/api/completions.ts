import type { TokenOdds, Usage } from "./chat";
import { errorOf } from "./errors";
import { streamed } from "./streaming";
import type { EventOf } from "./types";

/** A piece of a text that goes on. `ignored`: what of the request is not heeded, which the first piece alone tells. */
export interface CompletionPiece {
  text: string;
  finish: string | null;
  usage: Usage | null;
  tokens: TokenOdds[];
  ignored: string;
}

type Chunk = EventOf<"/v1/completions">;
type Logprobs = NonNullable<NonNullable<Chunk["choices"]>[number]["logprobs"]>;

/** Has a model go on with a text, piece by piece. Throws an ApiError where it fails, in its midst too. */
export async function* streamCompletion(body: object, signal: AbortSignal): AsyncGenerator<CompletionPiece> {
  for await (const { data, response } of streamed("v1/completions", body, signal)) {
    const piece = completionPiece(data === null ? {} : JSON.parse(data), response);
    yield data === null ? { ...piece, ignored: response.headers.get("x-headrace-ignored") ?? "" } : piece;
  }
}

/** What an event of the stream says. Throws the ApiError that it holds. */
export function completionPiece(chunk: Chunk, response: Response): CompletionPiece {
  if (chunk.error) throw errorOf(response, chunk);
  const choice = chunk.choices?.[0];
  return {
    text: choice?.text ?? "",
    finish: choice?.finish_reason ?? null,
    usage: chunk.usage ?? null,
    tokens: choice?.logprobs ? oddsOf(choice.logprobs) : [],
    ignored: "",
  };
}

function oddsOf({ tokens, token_logprobs, top_logprobs }: Logprobs): TokenOdds[] {
  return tokens.flatMap((token, at) => {
    const logprob = token_logprobs[at];
    if (typeof logprob !== "number") return [];
    const others = Object.entries(top_logprobs[at] ?? {}).map(([other, odds]) => ({ token: other, logprob: odds }));
    return [{ token, logprob, others: others.sort((a, b) => b.logprob - a.logprob) }];
  });
}
