import { expect, test } from "vitest";
import { errorOf, unreachable } from "./errors";

const answer = new Response(null, { status: 400, statusText: "Bad Request", headers: { "X-Request-Id": "req_1" } });

test("an error says what the gateway said", () => {
  const error = errorOf(answer, { error: { message: "no", type: "t", param: "n_gpu", code: "invalid_value" } });
  expect(error).toMatchObject({
    message: "no",
    status: 400,
    code: "invalid_value",
    param: "n_gpu",
    requestId: "req_1",
  });
});

test.each([undefined, null, "<html>", { error: "x" }, { error: { message: 1 } }])(
  "what is no error of ours: %j",
  (body) => {
    expect(errorOf(answer, body)).toMatchObject({ message: "Bad Request", code: "http_400", param: null });
  },
);

test("no answer has no status", () => {
  expect(unreachable(new TypeError("Failed to fetch"))).toMatchObject({ status: 0, code: "unreachable" });
});
