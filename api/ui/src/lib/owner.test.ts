import { expect, test, vi } from "vitest";
import { forgetAtEnd } from "./forgetting";
import { owned, setOwner } from "./owner";

test("what is kept is named by its owner, and let go once that is another", () => {
  const forget = vi.fn();
  forgetAtEnd(forget);
  expect(owned("x")).toBe("x");
  expect(setOwner("")).toBe(false);
  expect(owned("x")).toBe("x");
  expect(setOwner("a")).toBe(true);
  expect(owned("x")).toBe("x@a");
  expect(setOwner("a")).toBe(false);
  expect(forget).toHaveBeenCalledTimes(1);
  expect(setOwner(null)).toBe(true);
  expect(forget).toHaveBeenCalledTimes(2);
});
