import { expect, test } from "vitest";
import { bodyOf, draftOf } from "./draft";
import { keptOf } from "./saved";
import { environmentOf, fieldOfVariables, repeated, variablesOf, withoutSecrets } from "./variables";

test("what is typed of variables becomes an object, and comes back from one", () => {
  const typed = fieldOfVariables([
    { name: " A ", value: " 1" },
    { name: "", value: "" },
  ]);
  expect(variablesOf(typed)).toEqual([
    { name: "A", value: " 1" },
    { name: "", value: "" },
  ]);
  expect(environmentOf(typed)).toEqual({ A: " 1" });
  expect(bodyOf({ model_name: "m", envs: typed })).toEqual({ model_name: "m", envs: { A: " 1" } });
  expect(variablesOf(draftOf({ envs: { A: "b c", N: 2 } })["envs"] ?? "")).toEqual([
    { name: "A", value: "b c" },
    { name: "N", value: "2" },
  ]);
});

test("nothing typed asks for nothing, and a value without a name is sent, so that it is refused", () => {
  expect(bodyOf({ model_name: "m", envs: fieldOfVariables([{ name: "", value: "" }]) })).toEqual({ model_name: "m" });
  expect(environmentOf(fieldOfVariables([{ name: "", value: "x" }]))).toEqual({ "": "x" });
  expect(fieldOfVariables([])).toBe("");
});

test("what is no list of variables is sent as it is", () => {
  expect(variablesOf("A=1")).toBeNull();
  expect(variablesOf("[1]")).toBeNull();
  expect(environmentOf("A=1")).toBe("A=1");
  expect(environmentOf("[1]")).toEqual([1]);
});

test("a name that is given twice is found", () => {
  const one = (name: string) => ({ name, value: "" });
  expect(repeated([one("A"), one("B"), one("A"), one(""), one("")])).toEqual(["A"]);
});

test("values of secrets are not kept in the browser", () => {
  const draft = draftOf({
    envs: { HF_TOKEN: "x", MY_KEY: "y", DB_PASSWORD: "z", TOKENIZERS_PARALLELISM: "true", E: "" },
  });
  expect(environmentOf(keptOf({ model_name: "m", ...draft })["envs"] ?? "")).toEqual({
    HF_TOKEN: "******",
    MY_KEY: "******",
    DB_PASSWORD: "******",
    TOKENIZERS_PARALLELISM: "true",
    E: "",
  });
  expect(keptOf({ model_name: "m" })).toEqual({ model_name: "m" });
  expect(withoutSecrets("TOKEN=x")).toBe("");
});
