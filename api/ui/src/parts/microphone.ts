/** Why there is no recording: the page may not ask, the reader said no, there is none, or it cannot be used. */
export type Refusal = "insecure" | "refused" | "none" | "busy";

/** What the error of a browser that gave no microphone means. Pure. */
export function refusalOf(cause: unknown): Refusal {
  const name = cause instanceof Error || cause instanceof DOMException ? cause.name : "";
  if (name === "InsecureContext") return "insecure";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  return name === "NotFoundError" || name === "OverconstrainedError" ? "none" : "busy";
}

/** The microphone's sound. Browsers have `mediaDevices` only on pages that came by HTTPS or from this machine. */
export function microphone(): Promise<MediaStream> {
  if (!navigator.mediaDevices) return Promise.reject(new DOMException("no microphone here", "InsecureContext"));
  return navigator.mediaDevices.getUserMedia({ audio: true });
}

const ENDINGS: Record<string, string> = { "audio/mp4": "m4a", "audio/ogg": "ogg" };

/** A recording as a file; null where nothing was recorded. `type`: as the browser names it. Pure. */
export function recordingOf(pieces: readonly Blob[], type: string): File | null {
  const plain = type.split(";")[0] || "audio/webm";
  const file = new File([...pieces], `recording.${ENDINGS[plain] ?? "webm"}`, { type: plain });
  return file.size > 0 ? file : null;
}

/** How loud samples are, from 0 (below -60 dB) to 1. Pure. */
export function levelOf(samples: Float32Array): number {
  const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length;
  return power > 0 ? Math.min(1, Math.max(0, 1 + (10 * Math.log10(power)) / 60)) : 0;
}
