import i18next from "i18next";
import { beforeEach, expect, test } from "vitest";
import { preferred, speak, startI18n, wholeWords } from ".";

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

test("the words of further pages come when the first of them is opened, and then in every language", async () => {
  await startI18n();
  expect(i18next.exists("nav.page.settings")).toBe(true);
  expect(i18next.exists("settings.theme")).toBe(false);
  await wholeWords();
  expect(i18next.exists("settings.theme")).toBe(true);
  await speak("zh-CN");
  expect(i18next.exists("nav.page.settings") && i18next.exists("settings.theme")).toBe(true);
});
