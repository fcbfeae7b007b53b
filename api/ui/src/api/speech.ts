import { queryOptions } from "@tanstack/react-query";
import { posted } from "./asking";
import { api, got } from "./client";
import { errorOf, unreachable } from "./errors";
import { keys } from "./queries";
import { pieces } from "./streaming";
import type { EventOf } from "./types";

const PATH = "v1/audio/speech";

/** The voices of a model, the default first. It knows them once it was loaded: `state` has it asked again. */
export function voicesQuery(model: string, state: string | undefined) {
  return queryOptions({
    queryKey: keys.voices(model, state),
    queryFn: ({ signal }) => got(api.GET("/v1/audio/voices", { params: { query: { model } }, signal })),
    enabled: model !== "",
  });
}

/** A piece of a sound, or its end with what the voice could not say as it should. */
export interface SpeechPiece {
  bytes: Uint8Array<ArrayBuffer> | null;
  warning: string;
  isLast: boolean;
}

type Event = EventOf<"/v1/audio/speech">;

/** Has a text said whole. Throws an ApiError where it fails. */
export async function speak(body: object, signal: AbortSignal): Promise<{ sound: Blob; warning: string }> {
  const response = await posted(PATH, body, signal);
  const sound = await response.blob().catch((cause: unknown) => {
    throw signal.aborted ? cause : unreachable(cause);
  });
  return { sound, warning: response.headers.get("x-headrace-warning") ?? "" };
}

/** Has a text said, piece by piece. Throws an ApiError where it fails, in its midst too. */
export async function* streamSpeech(body: object, signal: AbortSignal): AsyncGenerator<SpeechPiece> {
  const response = await posted(PATH, { ...body, stream_format: "sse" }, signal);
  yield* pieces(
    response,
    signal,
    (data) => speechPiece(JSON.parse(data), response),
    ({ isLast }) => isLast,
  );
}

/** What an event of the stream says. Throws the ApiError that it holds. */
export function speechPiece(event: Event, response: Response): SpeechPiece {
  if (event.error) throw errorOf(response, event);
  const bytes = event.audio ? Uint8Array.from(atob(event.audio), (sign) => sign.charCodeAt(0)) : null;
  const told = event.warning ?? response.headers.get("x-headrace-warning") ?? "";
  return { bytes, warning: told, isLast: event.type === "speech.audio.done" };
}
