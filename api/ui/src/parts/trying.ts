/** The pages that ask a model: the name of each, its path, and what a model must be able to do for it, the first as a rule. */
const TRYING = [
  ["chat", "/chat", ["chat"]],
  ["completion", "/completion", ["generate"]],
  ["images", "/images", ["text2image", "image2image", "inpainting"]],
  ["videos", "/videos", ["text2video", "image2video", "firstlastframe2video"]],
  ["speech", "/speech", ["text2audio"]],
  ["transcription", "/transcription", ["audio2text"]],
  ["embeddings", "/embeddings", ["embed"]],
  ["rerank", "/rerank", ["rerank"]],
] as const satisfies readonly (readonly [string, string, readonly string[]])[];

/** Where a model that is able to do these things can be tried, its own page first. Pure. */
export function tryPages(abilities: readonly string[]) {
  return TRYING.filter(([, , wanted]) => wanted.some((one) => abilities.includes(one)));
}

/** What models must be able to do that are asked at a path; undefined: anything. Pure. */
export function abilityAt(pathname: string): string | undefined {
  return TRYING.find(([, path]) => pathname.endsWith(path))?.[2][0];
}
