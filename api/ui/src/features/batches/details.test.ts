import { expect, test } from "vitest";
import type { Batch } from "../../api/batches";
import { curl, javascript, python } from "./code";
import { courseOf } from "./course";
import { failedSoFar, failuresOf, lineAt } from "./failures";

function head(text: string, isWhole = true) {
  return { bytes: new TextEncoder().encode(text), isWhole };
}

const REFUSED = {
  id: "batch_req_1",
  custom_id: "b",
  response: { status_code: 400, body: { error: { message: "must be a number", param: "temperature", code: "odd" } } },
  error: null,
};
const LOST = { id: "batch_req_2", custom_id: null, response: null, error: { code: "expired", message: "too late" } };

test("why lines have failed", () => {
  const told = failuresOf(head(`${JSON.stringify(REFUSED)}\n${JSON.stringify(LOST)}\nnonsense\n`));
  expect(told?.failures).toEqual([
    { id: "batch_req_1", customId: "b", status: 400, code: "odd", param: "temperature", message: "must be a number" },
    { id: "batch_req_2", customId: null, status: null, code: "expired", param: null, message: "too late" },
  ]);
  expect(told?.isWhole).toBe(true);
  expect(failuresOf(head(`${JSON.stringify(LOST)}\n{"id`, false))).toMatchObject({ isWhole: false });
  expect(failuresOf({ bytes: new Uint8Array([0xff]), isWhole: true })).toBeNull();
});

test("why lines have failed so far", () => {
  const told = { id: "job_1", custom_id: null, line: 7, status_code: null, code: "odd", message: "no", param: null };
  const failure = { id: "job_1", customId: "7", status: null, code: "odd", message: "no", param: null };
  expect(failedSoFar([told])).toEqual([failure]);
});

test("a line of the input, counted without blank ones", () => {
  expect(lineAt(head("a\n\nb\n"), 2)).toBe("b");
  expect(lineAt(head("a\nhalf", false), 2)).toBeNull();
});

test("what has happened so far", () => {
  const times = { created_at: 1, in_progress_at: 2, finalizing_at: null, expires_at: 99, cancelling_at: null };
  const ends = { completed_at: null, failed_at: null, expired_at: null, cancelled_at: null };
  const batch = { ...times, ...ends, status: "in_progress" } as unknown as Batch;
  expect(courseOf(batch).map(({ what }) => what)).toEqual(["created", "in_progress", "expires"]);
  const over = { ...batch, status: "failed", failed_at: 2, in_progress_at: null } as Batch;
  expect(courseOf(over).map(({ what }) => what)).toEqual(["created", "failed"]);
});

test("a batch as programs", () => {
  const batch = { id: "batch_1", endpoint: "/v1/embeddings", input_file_id: "file-1", output_file_id: null };
  const keyed = { base: "http://h/v1", keyed: true };
  const open = { base: "http://h/v1", keyed: false };
  for (const told of [curl, python, javascript]) {
    expect(told(batch, keyed)).toContain("HEADRACE_API_KEY");
    expect(told(batch, open)).not.toContain("HEADRACE_API_KEY");
    expect(told(batch, open)).toContain("/v1/embeddings");
  }
  expect(curl(batch, open)).toContain("OUTPUT_FILE_ID");
  expect(curl({ ...batch, output_file_id: "file-2" }, open)).toContain("/files/file-2/content");
});
