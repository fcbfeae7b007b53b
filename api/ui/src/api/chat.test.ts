import { expect, test, vi } from "vitest";
import { streamChat } from "./chat";

const BODY = { model: "m", messages: [{ role: "user" as const, content: "x" }] };

function answers(text: string, status = 200): void {
  vi.stubGlobal("fetch", async () => new Response(text, { status }));
}

async function all(): Promise<string> {
  let text = "";
  for await (const piece of streamChat(BODY, new AbortController().signal)) text += piece.text;
  return text;
}

test("the pieces of an answer", async () => {
  answers(
    'data: {"choices":[{"delta":{"content":"a"}}]}\n\ndata: {"choices":[{"delta":{"content":"b"}}]}\n\ndata: [DONE]\n\n',
  );
  expect(await all()).toBe("ab");
});

test("an answer that is refused, that fails in its midst, and that is cut", async () => {
  answers('{"error":{"message":"no","code":"c"}}', 404);
  await expect(all()).rejects.toMatchObject({ status: 404, code: "c" });
  answers('data: {"choices":[]}\n\ndata: {"error":{"message":"it died","code":"runner_died"}}\n\n');
  await expect(all()).rejects.toMatchObject({ message: "it died", code: "runner_died" });
  answers('data: {"choices":[]}\n\n');
  await expect(all()).rejects.toMatchObject({ status: 0, code: "unreachable" });
});
