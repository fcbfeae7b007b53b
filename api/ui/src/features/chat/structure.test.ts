import { expect, test } from "vitest";
import { NO_SETTINGS, newTurn, type Turn } from "./conversation";
import { EXAMPLES, formFault, formOf, structured, toolsFault } from "./structure";
import { verdictOf } from "./verdict";

const typed = (rest: Partial<typeof NO_SETTINGS>) => ({ ...NO_SETTINGS, ...rest });

test("what was chosen becomes a part of the request", () => {
  const ask = (rest: Partial<typeof NO_SETTINGS>, thinks = true) => structured(typed(rest), thinks);
  expect(ask({})).toEqual({});
  expect(ask({ form: "schema", schema: '{"type":"object"}' })).toEqual({
    response_format: { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" } } },
  });
  expect(ask({ form: "choice", choice: " yes \n\nno" })).toEqual({ structured_outputs: { choice: ["yes", "no"] } });
  expect(ask({ form: "regex", regex: "a+" })).toEqual({ structured_outputs: { regex: "a+" } });
  expect(ask({ tools: EXAMPLES.tools, toolChoice: "one" })).toMatchObject({
    tool_choice: "required",
    parallel_tool_calls: false,
  });
  expect(ask({ thinking: "off", logprobs: "on" })).toMatchObject({ enable_thinking: false, logprobs: true });
  expect([ask({ thinking: "high" }), ask({ thinking: "high" }, false)]).toEqual([{ reasoning_effort: "high" }, {}]);
});

test.each([
  ["schema", "", "empty"],
  ["schema", "{", "json"],
  ["schema", "[]", "object"],
  ["schema", "{}", null],
  ["regex", "(", null],
] as const)("a %s of %j", (form, text, fault) => {
  const settings = typed({ form, [form]: text });
  expect(formFault(settings)).toBe(fault);
  expect(formOf(settings) === null).toBe(fault !== null);
});

test.each([
  ["", null],
  ["[", "json"],
  ["[]", "tools"],
  ['[{"function":{}}]', "tools"],
  [EXAMPLES.tools, null],
])("tools %j", (tools, fault) => {
  expect(toolsFault(typed({ tools }))).toBe(fault);
});

const answer = (kind: NonNullable<Turn["form"]>["kind"], form: string, text: string, end = "stop") =>
  verdictOf(newTurn("a", null, "assistant", { form: { kind, text: form }, text, end }));

test("an answer is held against its schema, and what is wrong is told where", async () => {
  expect(await answer("schema", EXAMPLES.schema, '{"city":"Oslo","celsius":3}')).toEqual({
    state: "valid",
    faults: [],
  });
  const wrong = await answer("schema", EXAMPLES.schema, '{"city":7}');
  expect(wrong.state).toBe("invalid");
  expect(wrong.faults.map((fault) => fault.where)).toEqual(["/", "/city"]);
  const both = await answer("schema", EXAMPLES.schema, '{"city":7,"celsius":"cold"}');
  expect(both.faults.map((fault) => fault.where)).toEqual(["/city", "/celsius"]);
  expect((await answer("schema", '{"$ref":"#/gone"}', "{}")).state).toBe("unchecked");
});

test.each([
  ["object", "", "[]", "stop", "invalid"],
  ["object", "", "{", "stop", "notJson"],
  ["object", "", "{", "length", "cut"],
  ["choice", "yes\nno", "no", "stop", "valid"],
  ["choice", "yes\nno", "maybe", "stop", "invalid"],
  ["regex", "[0-9]|x", "x1", "stop", "invalid"],
  ["regex", "[0-9]|x", "7", "stop", "valid"],
  ["regex", "(?i:x", "x", "stop", "unchecked"],
  ["grammar", "root ::= x", "x", "stop", "unchecked"],
] as const)("%s %j of %j that ended with %s", async (kind, form, text, end, state) => {
  expect((await answer(kind, form, text, end)).state).toBe(state);
});
