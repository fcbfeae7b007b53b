import type { Form, Turn } from "./conversation";
import { choices, parsed } from "./structure";

/** A fault of an answer: where, as a JSON pointer, and what, in the validator's words. */
export interface AnswerFault {
  where: string;
  what: string;
}

/** How an answer stands to its form. `unchecked`: this page cannot tell; `cut`: it is only the beginning of one. */
export interface Verdict {
  state: "valid" | "invalid" | "notJson" | "unchecked" | "cut";
  faults: readonly AnswerFault[];
}

const said = (state: Verdict["state"], faults: readonly AnswerFault[] = []): Verdict => ({ state, faults });

/** How a whole answer stands to the form that it had to have. */
export async function verdictOf({ form, text, end }: Turn): Promise<Verdict> {
  if (!form) return said("unchecked");
  if (end !== "stop") return said("cut");
  if (form.kind === "schema" || form.kind === "object") return ofJson(form, parsed(text));
  if (form.kind === "choice") return said(choices(form.text).includes(text.trim()) ? "valid" : "invalid");
  return said(form.kind === "regex" ? ofPattern(form.text, text) : "unchecked");
}

async function ofJson(form: Form, value: unknown): Promise<Verdict> {
  if (value === undefined) return said("notJson");
  if (form.kind === "object") {
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return said(isObject ? "valid" : "invalid");
  }
  const { faultsOf } = await import("./checking");
  const faults = faultsOf(JSON.parse(form.text), value);
  if (!faults) return said("unchecked");
  return said(faults.length === 0 ? "valid" : "invalid", faults);
}

/** The whole answer has to match. A pattern that JavaScript does not know is not checked here. */
function ofPattern(pattern: string, text: string): Verdict["state"] {
  try {
    return new RegExp(`^(?:${pattern})$`, "u").test(text) ? "valid" : "invalid";
  } catch {
    return "unchecked";
  }
}
