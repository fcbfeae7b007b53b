import { expect, test } from "vitest";
import { ApiError } from "../api/errors";
import { isMissing } from "./OneOf";

test.each([
  [new ApiError("", 404, "not_found", null), true],
  [new ApiError("", 400, "invalid_value", "id"), true],
  [new ApiError("", 400, "invalid_value", "limit"), false],
  [new ApiError("", 500, "internal_error", "id"), false],
  [new Error("x"), false],
  [null, false],
])("%s: %s", (error, expected) => {
  expect(isMissing(error)).toBe(expected);
});
