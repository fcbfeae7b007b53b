import createClient from "openapi-fetch";
import { apiBase, apiUrl } from "./address";
import { errorOf, unreachable } from "./errors";
import type { paths } from "./schema";

/** The API, with the types of its OpenAPI document. Streams are read by who follows them. */
export const api = createClient<paths, "application/json">({ baseUrl: apiBase.href.replace(/\/$/, "") });

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The JSON that a request answered; throws an ApiError where it failed. */
export async function got<T>(asked: Promise<Answer<T>>): Promise<T> {
  const answer = await asked.catch((cause: unknown) => {
    throw unreachable(cause);
  });
  if (!answer.response.ok) throw errorOf(answer.response, answer.error);
  return answer.data as T;
}

/** The text at a path; throws an ApiError where it cannot be had. */
export async function gotText(path: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(apiUrl(path), { signal }).catch((cause: unknown) => {
    throw unreachable(cause);
  });
  if (!response.ok) throw errorOf(response, await response.json().catch(() => undefined));
  return response.text();
}
