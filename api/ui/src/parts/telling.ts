import type { ReasonTold } from "../api/types";
import { bytes, decimal } from "../lib/numbers";

/** A sentence of the server, and what it says where the server knows. */
export interface Sentence {
  text: string;
  reasons?: readonly ReasonTold[] | null | undefined;
}

/** A part of a sentence: in the reader's language, or as the server wrote it. */
export interface Part {
  text: string;
  isOriginal: boolean;
}

/** Looks up words by their key, which are not typed here: codes come from the server. */
type Words = (key: string, values?: Record<string, string>) => string;

/** A sentence in the reader's language, part by part; what there are no words for stays as the server wrote it. Pure. */
export function partsOf({ text, reasons }: Sentence, t: Words, language: string, codes: ReadonlySet<string>): Part[] {
  if (!reasons || reasons.length === 0) return text ? [{ text, isOriginal: true }] : [];
  if (!reasons.every(({ code }) => code === "text" || codes.has(code))) return [{ text, isOriginal: true }];
  return reasons.map(({ code, values, devices }) => {
    const isOriginal = code === "text";
    const what = isOriginal ? String(values["text"]) : t(`reasons.code.${code}`, said(values, language));
    const where = devices.join(", ");
    return { text: where ? t("reasons.of", { devices: where, what }) : what, isOriginal };
  });
}

/** Whether nothing of it is as the server wrote it. Pure. */
export function isWhole(parts: readonly Part[]): boolean {
  return parts.every(({ isOriginal }) => !isOriginal);
}

function said(values: ReasonTold["values"], language: string): Record<string, string> {
  const entries = Object.entries(values).map(([name, value]) => [name, written(name, value, language)] as const);
  return Object.fromEntries(entries);
}

function written(name: string, value: ReasonTold["values"][string], language: string): string {
  if (Array.isArray(value)) return value.join(", ") || "–";
  if (typeof value !== "number") return value;
  return name.endsWith("bytes") ? bytes(value, language) : decimal(value, language, 6);
}
