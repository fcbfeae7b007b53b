export const PARAMETERS = [
  "max_tokens",
  "temperature",
  "top_p",
  "frequency_penalty",
  "presence_penalty",
  "seed",
  "stop",
] as const;
export type Parameter = (typeof PARAMETERS)[number];
export type Settings = Partial<Record<Parameter, string>> & { odds?: boolean };

/** How many tokens of an answer, and how many tokens in the place of each, are asked for by default. */
export const DEFAULTS: Settings = { max_tokens: "64" };
const OTHERS = 5;

/** The request for what follows a text. What is typed and is no number is sent as it is, to be refused at its field. */
export function requestOf(model: string, prompt: string, settings: Settings): Record<string, unknown> {
  const given = PARAMETERS.flatMap((name) => {
    const typed = settings[name] ?? "";
    if (typed.trim() === "") return [];
    const number = Number(typed);
    return [[name, name === "stop" || Number.isNaN(number) ? typed.replaceAll("\\n", "\n") : number] as const];
  });
  return { model, prompt, ...Object.fromEntries(given), ...(settings.odds && { logprobs: OTHERS }) };
}
