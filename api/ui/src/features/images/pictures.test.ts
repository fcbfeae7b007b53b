import { expect, test } from "vitest";
import { exactly } from "../../lib/exact";
import { drawnOf, followedOf } from "./pictures";

test("the pictures of an answer, each with its exact seed", () => {
  const answer = exactly(
    '{"data":[{"url":"/v1/artifacts/a?s=1","seed":9223372036854775807},{"b64_json":"AA","flagged":true}],"size":"8x8"}',
  );
  expect(drawnOf(answer)).toEqual({
    pictures: [
      {
        url: new URL("/v1/artifacts/a?s=1", location.href).href,
        isVideo: false,
        seed: "9223372036854775807",
        isFlagged: false,
      },
      { url: "data:image/png;base64,AA", isVideo: false, seed: null, isFlagged: true },
    ],
    size: "8x8",
    warning: null,
  });
  const film = { output_format: "mp4", data: [{ url: "/v1/artifacts/a?s=1" }, { b64_json: "AA" }] };
  expect(drawnOf(film).pictures.map(({ isVideo }) => isVideo)).toEqual([true]);
  expect(drawnOf({ data: null, warning: "x" })).toEqual({ pictures: [], size: null, warning: "x" });
});

test("few jobs are followed, and those that run before those that wait", () => {
  const states = ["queued", "queued", "running", "succeeded"] as const;
  const jobs = states.map((state, index) => ({ id: String(index), state }));
  expect([...followedOf(jobs)]).toEqual(["2", "1"]);
});
