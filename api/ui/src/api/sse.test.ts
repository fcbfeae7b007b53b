import { expect, test } from "vitest";
import { SseParser } from "./sse";

const STREAM =
  'event: x\r\ndata: {"a":1}\r\n\r\n: still here\n\ndata:two\r\ndata: lines\r\n\r\nid: 4\n\ndata: 你\n\ndata: cut';
const FOUND = ['{"a":1}', "two\nlines", "你"];

test.each([1, 2, 3, 7, 1000])("events in pieces of %i characters", (size) => {
  const parser = new SseParser();
  const found: string[] = [];
  for (let at = 0; at < STREAM.length; at += size) found.push(...parser.push(STREAM.slice(at, at + size)));
  expect(found).toEqual(FOUND);
});
