import type { Segment } from "../../api/transcripts";
import { type Timed, timed } from "./segments";

/** What a transcript can be kept as, and what needs times. */
export const FORMATS = ["srt", "vtt", "txt", "json"] as const;
export type Format = (typeof FORMATS)[number];

const TYPES: Record<Format, string> = {
  srt: "application/x-subrip",
  vtt: "text/vtt",
  txt: "text/plain",
  json: "application/json",
};

/** The formats in which these can be kept: without times there are no subtitles. Pure. */
export function formatsOf(segments: readonly Segment[]): readonly Format[] {
  return timed(segments) ? FORMATS : ["txt", "json"];
}

/** The file that a transcript is kept in, in UTF-8. Pure. */
export function fileOf(segments: readonly Segment[], format: Format): Blob {
  return new Blob([written(segments, format)], { type: `${TYPES[format]};charset=utf-8` });
}

/** The text of such a file. Pure. */
export function written(segments: readonly Segment[], format: Format): string {
  const text = segments.map((one) => one.text).join("");
  const cues = timed(segments) ?? [];
  switch (format) {
    case "srt":
      return cues.map((cue, at) => `${at + 1}\n${between(cue, ",")}\n${line(cue.text)}\n`).join("\n");
    case "vtt":
      return ["WEBVTT\n", ...cues.map((cue) => `${between(cue, ".")}\n${escaped(line(cue.text))}\n`)].join("\n");
    case "txt":
      return `${text.trim()}\n`;
    case "json":
      return `${JSON.stringify({ text, segments: cues.map((cue, id) => ({ id, ...cue })) }, null, 2)}\n`;
  }
}

function between({ start, end }: Timed, point: string): string {
  return `${clock(start, point)} --> ${clock(end, point)}`;
}

/** 01:02:03,456. */
function clock(seconds: number, point: string): string {
  const thousandths = Math.round(seconds * 1000);
  const minutes = Math.floor(thousandths / 60_000);
  const two = (value: number) => String(value).padStart(2, "0");
  const rest = thousandths % 60_000;
  const end = `${two(Math.floor(rest / 1000))}${point}${String(rest % 1000).padStart(3, "0")}`;
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}:${end}`;
}

/** The text on one line, without the arrow, which would be read as part of a cue's times. */
function line(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ").replaceAll("-->", "->");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
