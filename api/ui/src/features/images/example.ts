import type { Example } from "../../parts/example";
import type { Input } from "./draft";

/** What OpenAI's client knows of a picture to be drawn; all else goes along beside it. */
const KNOWN = ["model", "prompt", "n", "size", "response_format"];

/** A job as a request to its endpoint. Pure. */
export function exampleOf({ kind, model, input }: { kind: string; model: string; input: Input }): Example {
  const body: Input = { model, ...input };
  for (const name of ["image", "mask"]) if (name in body) body[name] = "data:image/png;base64,…";
  return {
    path: kind.startsWith("videos.") ? "videos" : kind.replace(".", "/"),
    body,
    ...(kind === "images.generations" && {
      call: "images.generate",
      print: "[one.url for one in answer.data]",
      beyond: Object.keys(body).filter((name) => !KNOWN.includes(name)),
    }),
  };
}
