/**
 * What was counted at one moment. By model: tokens since its replicas were loaded, and requests in flight. By state: the
 * jobs that wait or run; those that wait by model, too.
 */
export interface Sample {
  atMs: number;
  tokens: Record<string, number>;
  inflight: Record<string, number>;
  jobs: Record<string, number>;
  queued: Record<string, number>;
}

const LINE = /^(headrace_engine_tokens_total|headrace_replica_inflight|headrace_jobs)\{(.*)\} (\S+)$/gm;
const COUNTED: Record<string, "tokens" | "inflight" | "jobs"> = {
  headrace_engine_tokens_total: "tokens",
  headrace_replica_inflight: "inflight",
  headrace_jobs: "jobs",
};
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const SAMPLES = 6;

/** Reads Prometheus's text format. Pure. */
export function sampleOf(text: string, atMs: number): Sample {
  const sample: Sample = { atMs, tokens: {}, inflight: {}, jobs: {}, queued: {} };
  for (const [, name, written, value] of text.matchAll(LINE)) {
    const labels = labelsOf(written ?? "");
    const of = (name === "headrace_jobs" ? labels["state"] : labels["model"]) ?? "";
    const counted = COUNTED[name ?? ""];
    if (name === "headrace_jobs" && of === "queued") add(sample.queued, labels["model"] ?? "", Number(value));
    if (counted) add(sample[counted], of, Number(value));
  }
  return sample;
}

function add(counts: Record<string, number>, of: string, value: number) {
  counts[of] = (counts[of] ?? 0) + value;
}

function labelsOf(written: string): Record<string, string> {
  const found = [...written.matchAll(LABEL)].map(([, name, value]) => [name, unescaped(value ?? "")]);
  return Object.fromEntries(found);
}

function unescaped(value: string): string {
  return value.replace(/\\(.)/g, (_, sign: string) => (sign === "n" ? "\n" : sign));
}

/** The last samples, with a new one. Those of before a replica left, which takes its count along, are left out. Pure. */
export function sampled(before: readonly Sample[], now: Sample): Sample[] {
  const last = before.at(-1);
  const left = last && Object.entries(last.tokens).some(([model, count]) => (now.tokens[model] ?? 0) < count);
  return left ? [now] : [...before, now].slice(-SAMPLES);
}

/** Tokens a second of a model, or of all together, over these samples; null where it is not known yet. Pure. */
export function tokensPerSecond(samples: readonly Sample[], model?: string): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.atMs <= first.atMs) return null;
  const count = ({ tokens }: Sample) => (model === undefined ? total(tokens) : (tokens[model] ?? 0));
  return (1000 * (count(last) - count(first))) / (last.atMs - first.atMs);
}

/** All counts together. Pure. */
export function total(counts: Record<string, number>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}
