import { apiUrl } from "./address";
import { type ApiError, errorOf, unreachable } from "./errors";
import type { FileObject, Purpose } from "./files";

/** What is to become of an uploaded file. `seconds`: how long it is kept; null: as long as the server keeps files. */
export interface Terms {
  purpose: Purpose;
  seconds: number | null;
}

/**
 * Uploads a file, and tells how much of it was sent, from 0 to 1. Throws an ApiError where it is refused, and an
 * AbortError where it is stopped. By XMLHttpRequest: fetch does not tell of what was sent.
 */
export function uploaded(
  file: File,
  { purpose, seconds }: Terms,
  signal: AbortSignal,
  tell: (share: number) => void,
): Promise<FileObject> {
  const form = new FormData();
  form.set("purpose", purpose);
  if (seconds !== null) {
    form.set("expires_after[anchor]", "created_at");
    form.set("expires_after[seconds]", String(seconds));
  }
  form.set("file", file);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", apiUrl("v1/files"));
    request.upload.onprogress = ({ loaded, total }) => tell(total > 0 ? loaded / total : 0);
    request.onload = () => {
      const error = refusal(request);
      if (error) reject(error);
      else resolve(JSON.parse(request.responseText) as FileObject);
    };
    request.onerror = () => reject(unreachable(new Error("the connection was lost")));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

/** Why the server took no file; null where it did. */
function refusal(request: XMLHttpRequest): ApiError | null {
  const headers = new Headers({ "x-request-id": request.getResponseHeader("x-request-id") ?? "" });
  const { status, statusText } = request;
  const body = parsed(request.responseText);
  if (status >= 200 && status < 300 && body !== undefined) return null;
  return errorOf({ status, statusText, headers } as Response, body);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
