import { expect, test } from "vitest";
import { certain, languageName, namedLanguages } from "./languages";

test("languages are named, and what is no code is said as it is", () => {
  expect(languageName("de", "en")).toBe("German");
  expect(["x!", "zh_CN", "multilingual", ""].map((code) => languageName(code, "en"))).toEqual([
    ...["x!", "zh_CN", "multilingual", ""],
  ]);
  expect(namedLanguages(["x!", "de", "en"], "en")).toEqual([
    ["en", "English"],
    ["de", "German"],
    ["x!", "x!"],
  ]);
});

test("a model that knows no certain languages leaves the choice open", () => {
  expect(certain(["en", "de"])).toEqual(["en", "de"]);
  for (const codes of [undefined, [], ["auto"], ["multilingual"], ["en", "multilingual"]])
    expect(certain(codes)).toBeNull();
});
