import { expect, test } from "vitest";
import { blobOf } from "../../lib/files";
import { kindOfFile } from "./attachments";

test("a data URL is bytes of a type", async () => {
  const blob = blobOf("data:audio/wav;base64,QUJD");
  expect([blob.type, blob.size]).toEqual(["audio/wav", 3]);
});

test.each([
  ["image/png", "image"],
  ["audio/webm", "audio"],
  ["text/plain", null],
])("a file of %s", (type, expected) => {
  expect(kindOfFile({ type })).toBe(expected);
});
