import { expect, test } from "vitest";
import { percent, span } from "../../lib/spans";
import { mediaOf, textOf, written } from "./results";

test("the files of an answer", () => {
  const answer = { output_format: "webp", data: [{ b64_json: "AA" }, { url: "/v1/artifacts/jobs/a.png?s=1" }, {}] };
  expect(mediaOf("images.generations", answer)).toEqual([
    { kind: "picture", url: "data:image/webp;base64,AA" },
    { kind: "picture", url: new URL("/v1/artifacts/jobs/a.png?s=1", location.href).href },
  ]);
  expect(mediaOf("videos.generations", { data: [{ b64_json: "AA" }] })).toEqual([
    { kind: "video", url: "data:video/mp4;base64,AA" },
  ]);
  expect(mediaOf("embeddings", { data: [{ embedding: [1] }] })).toEqual([]);
});

test.each([
  [{ choices: [{ message: { content: "a" } }] }, "a"],
  [{ choices: [{ text: "b" }] }, "b"],
  [{ text: "c" }, "c"],
  [{ content: [{ type: "text", text: "d" }, { type: "image" }, { type: "text", text: "e" }] }, "d\ne"],
  [{ choices: [{ message: { content: null } }] }, null],
  [[1], null],
])("the text of %j", (answer, text) => {
  expect(textOf(answer)).toBe(text);
});

test("what is long is cut", () => {
  expect(written({ a: "x".repeat(3000), b: "short" })).toBe(
    `{\n  "a": "${"x".repeat(80)}… (3000)",\n  "b": "short"\n}`,
  );
});

test("spans and shares in words", () => {
  expect([-1, 59, 61, 7300, 200_000].map((seconds) => span(seconds, "en"))).toEqual([
    "0 sec",
    "59 sec",
    "1 min",
    "2 hr",
    "2 days",
  ]);
  expect(percent(0.256, "en")).toBe("26%");
});
