import { expect, test } from "vitest";
import { exactly } from "./exact";

test("integers that a number does not hold are kept in digits, and texts are left alone", () => {
  expect(
    exactly('{"a":9223372036854775807,"b":[-9007199254740993,9007199254740991],"c":"9223372036854775807 \\" 1"}'),
  ).toEqual({ a: "9223372036854775807", b: ["-9007199254740993", 9007199254740991], c: '9223372036854775807 " 1' });
  const others = "[0.12345678901234567, 12345678901234567890e1, -5]";
  expect(exactly(others)).toEqual(JSON.parse(others));
  expect(() => exactly("{")).toThrow();
});
