import { posted } from "./asking";
import { errorOf } from "./errors";
import { pieces } from "./streaming";
import type { EventOf } from "./types";

/** What is asked of a recording. */
export interface Hear {
  file: File;
  model: string;
  language: string;
  /** Whether the text is to be in English. */
  isTranslated: boolean;
}

/** A stretch of a recording, in seconds, and what is said in it. The times are null where the model tells none. */
export interface Segment {
  text: string;
  start: number | null;
  end: number | null;
}

/** A piece of a transcript. `whole`: the text of all pieces, which the last one alone tells. */
export interface TranscriptPiece {
  segment: Segment | null;
  whole: string | null;
}

type Event = EventOf<"/v1/audio/transcriptions">;

/** Where a recording is sent to. */
export function pathOf({ isTranslated }: Pick<Hear, "isTranslated">): string {
  return isTranslated ? "audio/translations" : "audio/transcriptions";
}

/** The fields of a request beside the file. */
export function fieldsOf({ model, language, isTranslated }: Omit<Hear, "file">): Record<string, string> {
  return { model, ...(language && !isTranslated && { language }) };
}

/** Has a model write down what is said, piece by piece. Throws an ApiError where it fails, in its midst too. */
export async function* streamTranscript(hear: Hear, signal: AbortSignal): AsyncGenerator<TranscriptPiece> {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...fieldsOf(hear), stream: "true" })) form.set(name, value);
  form.set("file", hear.file, hear.file.name);
  const response = await posted(`v1/${pathOf(hear)}`, form, signal);
  const read = (data: string) => transcriptPiece(JSON.parse(data), response);
  yield* pieces(response, signal, read, ({ whole }) => whole !== null);
}

/** What an event of the stream says. Throws the ApiError that it holds. */
export function transcriptPiece(event: Event, response: Response): TranscriptPiece {
  if (event.error) throw errorOf(response, event);
  if (event.type === "transcript.text.done") return { segment: null, whole: event.text ?? "" };
  if (event.type !== "transcript.text.delta") return { segment: null, whole: null };
  return { segment: { text: event.delta ?? "", start: event.start ?? null, end: event.end ?? null }, whole: null };
}
