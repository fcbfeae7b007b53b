import type { AskedJob } from "../../api/jobs";
import { artifactUrl } from "../../api/jobs";
import type { Example } from "../../parts/example";
import type { Medium } from "./results";

/** A file of a request under its name. */
export interface Given {
  name: string;
  medium: Medium;
}

/** The files that came with a request. Those that are neither picture nor film are sound, or played by nothing. Pure. */
export function givenOf({ files, kind }: AskedJob): Given[] {
  return Object.entries(files).map(([name, { url }]) => ({
    name,
    medium: { kind: kind.startsWith("audio.") ? "sound" : "picture", url: artifactUrl(url) },
  }));
}

/** The request as an example: for files, and for what the server leaves out, stands what is to be put there. Pure. */
export function exampleOf({ path, input, files, left_out }: AskedJob): Example {
  const body: Record<string, unknown> = structuredClone(input);
  for (const name of Object.keys(files)) body[name] = "data:…";
  for (const { param } of left_out) if (param in body) body[param] = "…";
  return { path: path.replace(/^\/v1\//, ""), body };
}
