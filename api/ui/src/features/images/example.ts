import { type FileJob, pathOf } from "../../api/jobForms";
import type { Example } from "../../parts/example";

/** What OpenAI's client knows of a picture to be drawn; all else goes along beside it. */
const KNOWN = ["model", "prompt", "n", "size", "response_format"];

/** A job as a request to its endpoint. Pure. */
export function exampleOf({ kind, model, input, files }: FileJob): Example {
  const shown = Object.fromEntries(Object.keys(files).map((name) => [name, "data:image/png;base64,…"]));
  const body = { model, ...input, ...shown };
  return {
    path: pathOf(kind),
    body,
    ...(kind === "images.generations" && {
      call: "images.generate",
      print: "[one.url for one in answer.data]",
      beyond: Object.keys(body).filter((name) => !KNOWN.includes(name)),
    }),
  };
}
