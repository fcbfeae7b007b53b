export const FORMATS = ["mp3", "wav", "flac", "opus", "aac", "pcm"] as const;
export type Format = (typeof FORMATS)[number];

/** What is to be said, and how. `voice`: empty for the model's own; `language`: of the text, empty for the voice's. */
export interface Speech {
  text: string;
  voice: string;
  language: string;
  speed: number;
  format: Format;
}

const MIME: Record<Format, string> = {
  mp3: "audio/mpeg",
  wav: "audio/wav",
  flac: "audio/flac",
  opus: "audio/ogg",
  aac: "audio/aac",
  pcm: "audio/pcm",
};

/** The media type of a format. */
export function mimeOf(format: Format): string {
  return MIME[format];
}

/** The name of the file that a sound is kept in. */
export function nameOf(format: Format): string {
  return `speech.${format}`;
}

/** The request for a speech. What is as the server has it by default is left out. Pure. */
export function requestOf(model: string, { text, voice, language, speed, format }: Speech): Record<string, unknown> {
  return {
    model,
    input: text,
    ...(voice && { voice }),
    ...(language.trim() && { language: language.trim() }),
    ...(speed !== 1 && { speed }),
    response_format: format,
  };
}

const LONGEST_TRIAL = 120;

/** What a voice is tried with: the first sentence of the text, and no more than is heard in some seconds. Pure. */
export function trialOf(text: string): string {
  const [first = ""] = text.trim().split(/(?<=[!?…。！？]|\.(?=\s|$))\s*/u);
  return first.slice(0, LONGEST_TRIAL);
}

/** The fields of a request that was made before, as far as they can be taken up again. Pure. */
export function takenUp(input: Record<string, unknown>, before: Speech): Speech {
  const { input: text, voice, language, speed, response_format: format } = input;
  return {
    text: typeof text === "string" ? text : before.text,
    voice: typeof voice === "string" ? voice : "",
    language: typeof language === "string" ? language : "",
    speed: typeof speed === "number" ? speed : 1,
    format: FORMATS.find((one) => one === format) ?? "mp3",
  };
}
