import { artifactUrl } from "../../api/jobs";

/** A file of a result, and how a browser shows it. */
export interface Medium {
  kind: "picture" | "sound" | "video";
  url: string;
}

const LONGEST = 2000;

/** The files that the answer of an endpoint holds or names. `kind`: that of the job. Pure. */
export function mediaOf(kind: string, answer: unknown): Medium[] {
  if (!isObject(answer)) return [];
  const shown = kind.startsWith("video") ? "video" : kind.startsWith("audio") ? "sound" : "picture";
  const files = Array.isArray(answer["data"]) ? answer["data"].filter(isObject) : [];
  const format = typeof answer["output_format"] === "string" ? answer["output_format"] : null;
  return files.flatMap((file): Medium[] => {
    if (typeof file["url"] === "string") return [{ kind: shown, url: artifactUrl(file["url"]) }];
    if (typeof file["b64_json"] !== "string") return [];
    const type = shown === "video" ? "video/mp4" : `image/${format ?? "png"}`;
    return [{ kind: shown, url: `data:${type};base64,${file["b64_json"]}` }];
  });
}

/** What a model said in an answer, whichever endpoint's it is; null where it said nothing. Pure. */
export function textOf(answer: unknown): string | null {
  if (!isObject(answer)) return null;
  if (typeof answer["text"] === "string") return answer["text"];
  const [choice] = Array.isArray(answer["choices"]) ? answer["choices"].filter(isObject) : [];
  const message = choice?.["message"];
  const said = isObject(message) ? message["content"] : choice?.["text"];
  if (typeof said === "string") return said;
  const blocks = Array.isArray(answer["content"]) ? answer["content"].filter(isObject) : [];
  const texts = blocks.flatMap(({ text }) => (typeof text === "string" ? [text] : []));
  return texts.length > 0 ? texts.join("\n") : null;
}

/** An answer as JSON for people: what is very long in it, as a picture, is cut. Pure. */
export function written(answer: unknown): string {
  const cut = (_: string, value: unknown) =>
    typeof value === "string" && value.length > LONGEST ? `${value.slice(0, 80)}… (${value.length})` : value;
  return JSON.stringify(answer, cut, 2);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
