import { expect, test } from "vitest";
import { grown, placeOf, timed } from "./segments";

const fox = { text: "A fox", start: 0, end: 2 };
const dog = { text: " and a dog.", start: 2.5, end: 4 };
const bare = { text: "a", start: null, end: null };

test("pieces of one stretch are one", () => {
  expect(grown([], fox)).toEqual([fox]);
  expect(grown([fox], dog)).toEqual([fox, dog]);
  expect(grown([fox], { ...fox, text: " runs" })).toEqual([{ ...fox, text: "A fox runs" }]);
  expect(grown(grown([], bare), { ...bare, text: "b" })).toEqual([{ ...bare, text: "ab" }]);
});

test("times count where all stretches have them", () => {
  expect(timed([fox, dog])).toEqual([fox, dog]);
  expect(timed([fox, bare])).toBeNull();
  expect(timed([])).toBeNull();
});

test("a place lies in a stretch or in a pause", () => {
  expect([0, 1.9, 2, 2.5, 9].map((seconds) => placeOf([fox, dog], seconds))).toEqual([0, 0, -1, 1, -1]);
});
