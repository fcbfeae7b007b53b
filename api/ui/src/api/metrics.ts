/** What replicas have counted at one moment, by model: tokens since its replicas were loaded, and requests in flight. */
export interface Sample {
  atMs: number;
  tokens: Record<string, number>;
  inflight: Record<string, number>;
}

const LINE = /^(headrace_engine_tokens_total|headrace_replica_inflight)\{(.*)\} (\S+)$/gm;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;
const SAMPLES = 6;

/** Reads Prometheus's text format. Pure. */
export function sampleOf(text: string, atMs: number): Sample {
  const sample: Sample = { atMs, tokens: {}, inflight: {} };
  for (const [, name, written, value] of text.matchAll(LINE)) {
    const labels = labelsOf(written ?? "");
    const model = labels["model"] ?? "";
    const counted = name === "headrace_replica_inflight" ? sample.inflight : sample.tokens;
    counted[model] = (counted[model] ?? 0) + Number(value);
  }
  return sample;
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

/** Tokens a second of a model over these samples; null where it is not known yet. Pure. */
export function tokensPerSecond(samples: readonly Sample[], model: string): number | null {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || last.atMs <= first.atMs) return null;
  return (1000 * ((last.tokens[model] ?? 0) - (first.tokens[model] ?? 0))) / (last.atMs - first.atMs);
}
