import { afterEach, expect, test, vi } from "vitest";
import { type Course, followJob, heard, UNKNOWN } from "./jobEvents";
import { artifactUrl, isOver } from "./jobs";

const BASE = new URL("https://page.example/some/prefix/");

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test.each([
  [
    "http://inside:9997/v1/artifacts/jobs/a.png?signature=x",
    "https://page.example/some/prefix/v1/artifacts/jobs/a.png?signature=x",
  ],
  ["http://inside/other/v1/artifacts/a%20b.png", "https://page.example/some/prefix/v1/artifacts/a%20b.png"],
  ["https://bucket.example/jobs/a.png?X-Amz=1", "https://bucket.example/jobs/a.png?X-Amz=1"],
])("where the file %s is reached", (given, reached) => {
  expect(artifactUrl(given, BASE)).toBe(reached);
});

test("which states are the last", () => {
  expect((["queued", "running", "succeeded", "failed", "cancelled", "expired"] as const).map(isOver)).toEqual([
    false,
    false,
    true,
    true,
    true,
    true,
  ]);
});

test("a job waits, is drawn, and is done", () => {
  let course = heard(UNKNOWN, { id: "job_1", state: "queued", progress: 0, position: 3, eta_s: 9 });
  expect(course).toMatchObject({ state: "queued", position: 3, etaS: 9 });
  course = heard(course, { position: 1, eta_s: null });
  expect(course).toMatchObject({ position: 1, etaS: null });
  course = heard(course, { attempt: 1, state: "running" });
  expect(course).toMatchObject({ state: "running", position: null });
  course = heard(course, { attempt: 1, step: 2, steps: 8, progress: 0.25 });
  course = heard(course, { attempt: 1, step: 2, media_type: "image/png", image: "data:image/png;base64,AA" });
  course = heard(course, { text: "of no concern" });
  expect(course).toMatchObject({ progress: 0.25, step: 2, steps: 8, preview: "data:image/png;base64,AA" });
  expect(heard(course, { attempt: 2, state: "queued" }).progress).toBe(0);
  expect(heard(course, { state: "succeeded", progress: 1 })).toMatchObject({ state: "succeeded", progress: 1 });
});

function answers(...given: (Response | Error)[]) {
  const asked = vi.fn(async () => {
    const next = given.shift();
    if (!next || next instanceof Error) throw next ?? new Error("asked too often");
    return next;
  });
  vi.stubGlobal("fetch", asked);
  vi.useFakeTimers();
  return asked;
}

const stream = (...data: object[]) => new Response(data.map((one) => `data: ${JSON.stringify(one)}\n\n`).join(""));
const refused = (status: number) => new Response('{"error":{"message":"no","code":"x"}}', { status });

async function followedToEnd(): Promise<Course[]> {
  const told: Course[] = [];
  const end = followJob("job_1", new AbortController().signal, (course) => told.push(course));
  await vi.runAllTimersAsync();
  await end;
  return told;
}

test("a stream that breaks is followed again, and the preview is kept", async () => {
  const cut = stream({ state: "running" }, { image: "data:a" });
  const asked = answers(
    cut,
    new Error("away"),
    refused(429),
    refused(503),
    stream({ state: "succeeded", progress: 1 }),
  );
  const told = await followedToEnd();
  expect(asked).toHaveBeenCalledTimes(5);
  expect(told.filter(({ connection }) => connection === "broken")).toHaveLength(4);
  expect(told.at(-1)).toMatchObject({ state: "succeeded", preview: "data:a", connection: "closed", error: null });
});

test("a job that is gone is asked for once", async () => {
  const asked = answers(refused(404));
  expect((await followedToEnd()).at(-1)).toMatchObject({ connection: "closed", error: { status: 404 } });
  expect(asked).toHaveBeenCalledTimes(1);
});

test("who leaves is told no more", async () => {
  answers(stream({ state: "running" }));
  const control = new AbortController();
  const told: Course[] = [];
  const end = followJob("job_1", control.signal, (course) => {
    told.push(course);
    control.abort();
  });
  await vi.runAllTimersAsync();
  await end;
  expect(told).toHaveLength(1);
});
