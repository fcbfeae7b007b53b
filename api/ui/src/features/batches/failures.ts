import type { Head } from "../../api/files";
import type { components } from "../../api/schema";
import { piecesOf } from "../../parts/files/head";

/** A line of a batch that was not answered, and why. `status`: of the answer that it would have got, if any. */
export interface LineFailure {
  id: string;
  customId: string | null;
  status: number | null;
  code: string;
  param: string | null;
  message: string;
}

/** The failures that a batch's file of errors begins with, and whether these are all; null where it is no such file. Pure. */
export function failuresOf(head: Head): { failures: LineFailure[]; isWhole: boolean } | null {
  const pieces = piecesOf(head);
  if (!pieces) return null;
  const failures = pieces.lines.flatMap((line) => failureOf(line) ?? []);
  return { failures, isWhole: pieces.isWhole };
}

/** The failures that the server lists of a batch that is not over. Pure. */
export function failedSoFar(listed: readonly components["schemas"]["BatchFailure"][]): LineFailure[] {
  return listed.map(({ id, custom_id, line, status_code, code, param, message }) => ({
    id,
    customId: custom_id ?? String(line),
    status: status_code,
    code,
    param,
    message,
  }));
}

/** A line of an input, which are counted from 1, without blank ones; null where it lies further on. Pure. */
export function lineAt(head: Head, number: number): string | null {
  return piecesOf(head)?.lines.filter((line) => line.trim() !== "")[number - 1] ?? null;
}

function failureOf(line: string): LineFailure | null {
  const entry = objectOf(parsed(line));
  if (!entry) return null;
  const answer = objectOf(entry["response"]);
  const error = objectOf(entry["error"]) ?? objectOf(objectOf(answer?.["body"])?.["error"]);
  if (!error) return null;
  return {
    id: word(entry["id"]) ?? "",
    customId: word(entry["custom_id"]),
    status: typeof answer?.["status_code"] === "number" ? answer["status_code"] : null,
    code: word(error["code"]) ?? "",
    param: word(error["param"]),
    message: word(error["message"]) ?? "",
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function objectOf(value: unknown): Record<string, unknown> | null {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
}

function word(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
