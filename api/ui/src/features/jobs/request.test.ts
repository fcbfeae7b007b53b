import { expect, test } from "vitest";
import type { AskedJob } from "../../api/jobs";
import { exampleOf, givenOf } from "./request";

const ASKED: AskedJob = {
  id: "job_1",
  object: "job.request",
  kind: "images.edits",
  path: "/v1/images/edits",
  input: { prompt: "a", user: null },
  files: { image: { url: "/v1/artifacts/jobs/job_1/input/image?s=1", bytes: 9, media_type: "image/png" } },
  left_out: [{ param: "user", reason: "large", length: 99 }],
};

test("the files of a request", () => {
  const url = new URL("/v1/artifacts/jobs/job_1/input/image?s=1", location.href).href;
  expect(givenOf(ASKED)).toEqual([{ name: "image", medium: { kind: "picture", url } }]);
  expect(givenOf({ ...ASKED, kind: "audio.transcriptions" })[0]?.medium.kind).toBe("sound");
});

test("a request as an example has places for what is not shown", () => {
  expect(exampleOf(ASKED)).toEqual({
    path: "images/edits",
    body: { prompt: "a", user: "…", image: "data:…" },
  });
});
