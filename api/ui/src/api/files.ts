import { queryOptions } from "@tanstack/react-query";
import { apiUrl } from "./address";
import { api, got } from "./client";
import { errorOf, unreachable } from "./errors";
import { keys, LIVE_MS } from "./queries";
import type { components } from "./schema";

export type FileObject = components["schemas"]["FileObject"];

/** What a file may be uploaded for. */
export const PURPOSES = ["batch", "user_data", "vision", "assistants", "fine-tune", "evals"] as const;
export type Purpose = (typeof PURPOSES)[number];

/** Which files a list shows, and in which order. `after`: the last id of the page before. */
export interface FileFilters {
  purpose?: Purpose | "batch_output";
  order?: "asc" | "desc";
  after?: string;
}

/** How many files a page has. */
export const FILES_A_PAGE = 20;

/** How much of a file is looked at, in bytes. */
export const HEAD_BYTES = 64 * 1024;

/** A page of this key's files, the newest first unless told otherwise. */
export function filesQuery(filters: FileFilters, limit = FILES_A_PAGE) {
  return queryOptions({
    queryKey: [...keys.files, "list", filters, limit] as const,
    queryFn: ({ signal }) => got(api.GET("/v1/files", { params: { query: { ...filters, limit } }, signal })),
    refetchInterval: 5 * LIVE_MS,
  });
}

/** What is known of a file. */
export function fileQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.files, "one", id] as const,
    queryFn: ({ signal }) => got(api.GET("/v1/files/{id}", { params: { path: { id } }, signal })),
  });
}

/** How a file begins. Files never change. */
export function headQuery(id: string) {
  return queryOptions({
    queryKey: [...keys.files, "head", id] as const,
    queryFn: ({ signal }) => readHead(id, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** The bytes with which a file begins. `isWhole`: whether there are no more. */
export interface Head {
  bytes: Uint8Array;
  isWhole: boolean;
}

/** Where a file is downloaded. */
export function contentUrl(id: string): string {
  return apiUrl(`v1/files/${encodeURIComponent(id)}/content`);
}

/** Reads how a file begins, `most` bytes, and lets go of the rest. Throws an ApiError where it cannot be had. */
export async function readHead(id: string, signal: AbortSignal, most = HEAD_BYTES): Promise<Head> {
  const response = await fetch(contentUrl(id), { signal }).catch((cause: unknown) => {
    throw signal.aborted ? cause : unreachable(cause);
  });
  if (!response.ok || !response.body) throw errorOf(response, await response.json().catch(() => undefined));
  const reader = response.body.getReader();
  const bytes = new Uint8Array(most);
  let filled = 0;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const fits = piece.value.subarray(0, most - filled);
      bytes.set(fits, filled);
      filled += fits.length;
      if (fits.length < piece.value.length) return { bytes, isWhole: false };
    }
  } catch (cause) {
    throw signal.aborted ? cause : unreachable(cause);
  } finally {
    void reader.cancel().catch(() => undefined);
  }
  return { bytes: bytes.subarray(0, filled), isWhole: true };
}

/** Deletes a file; throws an ApiError of status 409 while a batch reads it. */
export async function deleteFile(id: string): Promise<void> {
  await got(api.DELETE("/v1/files/{id}", { params: { path: { id } } }));
}
