import { beforeEach, expect, test } from "vitest";
import { preferred } from ".";

beforeEach(() => localStorage.clear());

test.each([
  [["en-GB"], "en"],
  [["zh-TW", "en"], "zh-CN"],
  [["de", "zh"], "en"],
  [[], "en"],
])("a browser that asks for %j gets %s", (languages, expected) => {
  expect(preferred(languages)).toBe(expected);
});

test("what was chosen goes first, if it is a language", () => {
  localStorage.setItem("headrace.language", "zh-CN");
  expect(preferred(["en"])).toBe("zh-CN");
  localStorage.setItem("headrace.language", "toString");
  expect(preferred(["en"])).toBe("en");
});
