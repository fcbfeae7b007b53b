import { expect, test } from "vitest";
import { sampled, sampleOf, tokensPerSecond } from "./metrics";

const TEXT = `# HELP headrace_engine_tokens_total engine's tokens
# TYPE headrace_engine_tokens_total counter
headrace_engine_tokens_total{device="n.cpu",model="a",replica="a-0"} 12.0
headrace_engine_tokens_total{device="n.cpu",model="a",replica="a-1"} 30.0
headrace_engine_tokens_total{device="n.cpu",model="say \\"b\\"",replica="b-0"} 1e+06
headrace_engine_steps_total{device="n.cpu",model="a",replica="a-0"} 7.0
headrace_replica_inflight{device="n.cpu",model="a",replica="a-0"} 2.0
headrace_replica_inflight{device="n.cpu",model="a",replica="a-1"} 3.0
headrace_jobs{model="a",state="queued"} 4.0
headrace_jobs{model="b",state="queued"} 1.0
`;

test("what is counted is read by model", () => {
  expect(sampleOf(TEXT, 5)).toEqual({
    atMs: 5,
    tokens: { a: 42, 'say "b"': 1e6 },
    inflight: { a: 5 },
    jobs: { queued: 5 },
    queued: { a: 4, b: 1 },
  });
});

const at = (atMs: number, tokens: Record<string, number>) => ({ atMs, tokens, inflight: {}, jobs: {}, queued: {} });

test("tokens a second are counted over some samples", () => {
  const samples = [at(0, {}), at(2000, { a: 10 }), at(4000, { a: 60 })].reduce(sampled, []);
  expect(tokensPerSecond(samples, "a")).toBe(15);
  expect(tokensPerSecond(samples, "other")).toBe(0);
  expect(tokensPerSecond(samples)).toBe(15);
  expect(tokensPerSecond(samples.slice(0, 1), "a")).toBeNull();
});

test("only the last samples count, and none of before a replica left", () => {
  const many = Array.from({ length: 9 }, (_, index) => at(index, { a: index }));
  expect(many.reduce(sampled, []).map((one) => one.atMs)).toEqual([3, 4, 5, 6, 7, 8]);
  expect(sampled(many, at(9, { a: 1 }))).toHaveLength(1);
});
