import { expect, test } from "vitest";
import { endpointIn, linesOf } from "./head";

function head(text: string, isWhole = true) {
  return { bytes: new TextEncoder().encode(text), isWhole };
}

test("the lines of a file", () => {
  expect(linesOf(head("a\r\nb\n"))).toEqual({ lines: ["a", "b"], isWhole: true });
  expect(linesOf(head("a\n\nb"))).toEqual({ lines: ["a", "", "b"], isWhole: true });
  expect(linesOf(head("a\nb\nc"), 2)).toEqual({ lines: ["a", "b"], isWhole: false });
});

test("what was cut is told", () => {
  expect(linesOf(head("a\nb\nhalf", false))).toEqual({ lines: ["a", "b"], isWhole: false });
  expect(linesOf(head("one line without an end", false))).toEqual({
    lines: ["one line without an end"],
    isWhole: false,
  });
  const { bytes } = head("水\n水");
  expect(linesOf({ bytes: bytes.subarray(0, -1), isWhole: false })).toEqual({ lines: ["水"], isWhole: false });
  expect(linesOf(head("x".repeat(3000)))?.lines).toEqual([`${"x".repeat(2000)}…`]);
});

test("what is no text is not shown as one", () => {
  expect(linesOf({ bytes: new Uint8Array([0x89, 0x50, 0xff]), isWhole: true })).toBeNull();
  expect(linesOf(head("a\0b"))).toBeNull();
});

test("the endpoint that a batch's input names", () => {
  const line = { custom_id: "a", method: "POST", url: "/v1/embeddings", body: { model: "m" } };
  expect(endpointIn(head(`${JSON.stringify(line)}\n`))).toBe("/v1/embeddings");
  expect(endpointIn(head("{}"))).toBeNull();
  expect(endpointIn({ bytes: new Uint8Array([0xff]), isWhole: true })).toBeNull();
});
