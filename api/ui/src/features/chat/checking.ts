import { type Schema, Validator } from "@cfworker/json-schema";
import type { AnswerFault } from "./verdict";

/** What is wrong with a value by a JSON schema; null where the schema itself cannot be read.
 *  It interprets the schema: to compile one is what the page's policy forbids. */
export function faultsOf(schema: Schema, value: unknown): AnswerFault[] | null {
  try {
    const { errors } = new Validator(schema, "2020-12", false).validate(value);
    // What holds the fault is told as well: only the innermost says something.
    const inner = errors.filter((one) => !["properties", "items", "$ref", "allOf"].includes(one.keyword));
    return inner.map((one) => ({ where: one.instanceLocation.replace(/^#/, "") || "/", what: one.error }));
  } catch {
    return null;
  }
}
