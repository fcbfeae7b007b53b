import { expect, test } from "vitest";
import type { ReasonTold } from "../api/types";
import { isWhole, partsOf } from "./telling";

const words = (key: string, values: Record<string, string> = {}) => `${key} ${Object.values(values).join("|")}`.trim();
const codes = new Set(["free", "in_use"]);
const reason = (code: string, values: ReasonTold["values"], devices: string[] = []) => ({ code, values, devices });
const told = (text: string, ...reasons: ReasonTold[]) => partsOf({ text, reasons }, words, "en", codes);

test("each reason is said in words, with sizes as the page writes them", () => {
  const parts = told("…", reason("free", { device: "cpu", free_bytes: 1536, models: ["a", "b"], n: 1234 }));
  expect(parts).toEqual([{ text: "reasons.code.free cpu|2 KiB|a, b|1,234", isOriginal: false }]);
  expect(isWhole(parts)).toBe(true);
});

test("of which devices it is true stands before it", () => {
  expect(told("…", reason("in_use", {}, ["a", "b"]))[0]?.text).toBe("reasons.of a, b|reasons.code.in_use");
});

test("words that have no code stay as they are, beside those that have one", () => {
  const parts = told("boom; in use", reason("text", { text: "boom" }), reason("in_use", {}));
  expect(parts.map(({ isOriginal }) => isOriginal)).toEqual([true, false]);
  expect(isWhole(parts)).toBe(false);
});

test("the whole sentence is the server's where there are no words for a code, or nothing is known", () => {
  const original = [{ text: "in use; new", isOriginal: true }];
  expect(told("in use; new", reason("in_use", {}), reason("of_tomorrow", {}))).toEqual(original);
  expect(told("in use; new")).toEqual(original);
  expect(told("")).toEqual([]);
});
