import { expect, test } from "vitest";
import { fileOf, formatsOf, written } from "./files";

const SEGMENTS = [
  { text: "Hello\n world.", start: 0, end: 1.25 },
  { text: " 1 < 2 & so on -->.", start: 1.25, end: 3661.5 },
];

test("subtitles are as the server writes them", () => {
  expect(written(SEGMENTS, "srt").split("\n")).toEqual([
    ...["1", "00:00:00,000 --> 00:00:01,250", "Hello world.", ""],
    ...["2", "00:00:01,250 --> 01:01:01,500", "1 < 2 & so on ->.", ""],
  ]);
  expect(written(SEGMENTS, "vtt").split("\n")).toEqual([
    ...["WEBVTT", "", "00:00:00.000 --> 00:00:01.250", "Hello world.", ""],
    ...["00:00:01.250 --> 01:01:01.500", "1 &lt; 2 &amp; so on -&gt;.", ""],
  ]);
});

test("text and JSON hold all of it", () => {
  expect(written(SEGMENTS, "txt")).toBe("Hello\n world. 1 < 2 & so on -->.\n");
  const { text, segments } = JSON.parse(written(SEGMENTS, "json"));
  expect([text, segments.length, segments[1].id, segments[1].start]).toEqual([
    SEGMENTS.map((one) => one.text).join(""),
    2,
    1,
    1.25,
  ]);
  expect(fileOf(SEGMENTS, "vtt").type).toBe("text/vtt;charset=utf-8");
});

test("without times there are no subtitles", () => {
  expect(formatsOf(SEGMENTS)).toEqual(["srt", "vtt", "txt", "json"]);
  expect(formatsOf([{ text: "a", start: null, end: null }])).toEqual(["txt", "json"]);
});
