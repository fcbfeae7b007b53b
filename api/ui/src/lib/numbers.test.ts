import { expect, test } from "vitest";
import { bytes, parameters } from "./numbers";

test("bytes are written as the command line writes them", () => {
  expect([0, 1023, 1024, 1536 * 1024, 5.25 * 1024 ** 3, 379 * 1024 ** 3].map((count) => bytes(count, "en"))).toEqual([
    "0 B",
    "1,023 B",
    "1 KiB",
    "1.5 MiB",
    "5.3 GiB",
    "379 GiB",
  ]);
});

test("parameters are counted in millions or billions", () => {
  expect([0.135, 0.6, 1, 7.25, 235].map((count) => parameters(count, "en"))).toEqual([
    "135M",
    "600M",
    "1B",
    "7.25B",
    "235B",
  ]);
});
