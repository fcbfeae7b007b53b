import { expect, test } from "vitest";
import { levelOf, microphone, recordingOf, refusalOf } from "./microphone";

test.each([
  ["NotAllowedError", "refused"],
  ["SecurityError", "refused"],
  ["NotFoundError", "none"],
  ["NotReadableError", "busy"],
  ["InsecureContext", "insecure"],
])("a browser's %s is told as %s", (name, told) => {
  expect(refusalOf(new DOMException("", name))).toBe(told);
});

test("a page that may not ask says so", async () => {
  expect(await microphone().catch(refusalOf)).toBe("insecure"); // jsdom has no microphone, as pages by plain HTTP
});

test("a recording is a file with a plain type, and nothing recorded is none", () => {
  const file = recordingOf([new Blob(["ab"]), new Blob(["c"])], "audio/webm;codecs=opus");
  expect([file?.name, file?.type, file?.size]).toEqual(["recording.webm", "audio/webm", 3]);
  expect(recordingOf([new Blob(["a"])], "audio/mp4")?.name).toBe("recording.m4a");
  expect(recordingOf([new Blob([])], "audio/webm")).toBeNull();
  expect(recordingOf([], "")).toBeNull();
});

test("silence has no level, and the loudest sound the highest", () => {
  expect(levelOf(new Float32Array(8))).toBe(0);
  expect(levelOf(new Float32Array(8).fill(1))).toBe(1);
  expect(levelOf(new Float32Array(8).fill(0.0001))).toBe(0);
  expect(levelOf(new Float32Array(8).fill(0.1))).toBeCloseTo(2 / 3);
});
