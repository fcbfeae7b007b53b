import { expect, test } from "vitest";
import { commandOf } from "./command";
import { contextNameOf, contextsUpTo, withContext } from "./contexts";
import { bodyOf, draftOf } from "./draft";
import { foremost } from "./foremost";
import { optionsOf } from "./options";
import { pasted, wordsOf } from "./pasting";
import { readable, withOne } from "./saved";

const BODY = {
  model_name: "qwen",
  model_uid: "it's mine",
  model_size_in_billions: 0.5,
  gpu_idx: [0, 1],
  pinned: true,
  peft_model_config: { lora_list: [{ lora_name: "a", local_path: "/b c" }] },
  max_model_len: 1024,
  envs: { A: "b c" },
};

test("a launch becomes a command, and comes back from it, from curl and from JSON", () => {
  expect(commandOf(BODY, "http://h:1/x")).toContain("--size-in-billions 0.5 \\\n  --gpu-idx 0,1");
  expect(commandOf(BODY, "http://h:1/x")).toContain("--lora-modules a '/b c'");
  expect(commandOf(BODY, "http://h:1/x")).toContain("--endpoint http://h:1/x");
  expect(commandOf(BODY, "http://127.0.0.1:9997")).not.toContain("endpoint");
  const draft = draftOf(BODY);
  expect(bodyOf(draft)).toEqual(BODY);
  expect(pasted(commandOf(BODY, "http://h:1/x"))).toEqual(draft);
  expect(pasted(JSON.stringify(BODY))).toEqual(draft);
  expect(pasted(`curl http://h/v1/models -H "A: b" -d '{"model_name": "a", "replica": 2}'`)).toEqual({
    model_name: "a",
    replica: "2",
  });
});

test("a command as others write it", () => {
  const text = `xinference launch -n qwen -en vLLM -s 7 --pinned --n-gpu None --no-wait -ak secret \\
    --lora-modules a "/b c" -lm d /e -ev K "v w" -qc bits 4 --gpu_memory_utilization=0.5 --bias -1`;
  expect(pasted(text)).toEqual({
    model_name: "qwen",
    model_engine: "vLLM",
    model_size_in_billions: "7",
    pinned: "true",
    n_gpu: "None",
    peft_model_config: '{"lora_list":[{"lora_name":"a","local_path":"/b c"},{"lora_name":"d","local_path":"/e"}]}',
    envs: '{"K":"v w"}',
    quantization_config: '{"bits":4}',
    gpu_memory_utilization: "0.5",
    bias: "-1",
  });
});

test.each(["", "hello", "headrace list", "headrace launch qwen", "headrace launch -r 2", "{", "{}", "[1]", "curl x"])(
  "what is no launch: %j",
  (text) => {
    expect(pasted(text)).toBeNull();
  },
);

test("words of a shell", () => {
  expect(wordsOf(`a 'b c'\\''d' "e \\" f" g\\ h \\\n i`)).toEqual(["a", "b c'd", 'e " f', "g h", "i"]);
});

test("the options of an engine", () => {
  const schema = {
    properties: {
      length: {
        anyOf: [{ type: "integer", minimum: 1, maximum: 9 }, { type: "null" }],
        default: 4,
        description: "long",
      },
      eager: { type: "boolean" },
      kind: { enum: ["a", "b"], type: "string", default: "a" },
    },
  };
  expect(optionsOf(schema)).toEqual([
    { name: "length", description: "long", choices: null, usual: "4", facts: ["integer", "≥ 1", "≤ 9"] },
    { name: "eager", description: "", choices: ["true", "false"], usual: null, facts: ["boolean"] },
    { name: "kind", description: "", choices: ["a", "b"], usual: "a", facts: ["string"] },
  ]);
  expect(optionsOf({})).toEqual([]);
});

test("contexts to compare", () => {
  expect(contextsUpTo(4096)).toEqual([1024, 2048, 4096]);
  expect(contextsUpTo(40_960).slice(-2)).toEqual([32_768, 40_960]);
  expect(contextsUpTo(1_048_576)).toHaveLength(8);
  expect(contextsUpTo(512)).toEqual([512]);
  expect(withContext({ model_name: "a", n_ctx: 9, replica: 2 }, 2048)).toEqual({
    model_name: "a",
    replica: 2,
    context_length: 2048,
  });
  const option = (name: string) => ({ name, description: "", choices: null, usual: null, facts: [] });
  expect([contextNameOf([option("x"), option("n_ctx")]), contextNameOf([])]).toEqual(["n_ctx", null]);
});

test("what was saved is read back, and nonsense is not", () => {
  const one = { name: "small", draft: { n_ctx: "1024" } };
  expect(readable(JSON.stringify({ a: [one, { name: 1 }, { name: "b", draft: { c: 1 } }], d: 5 }))).toEqual({
    a: [one],
    d: [],
  });
  expect([readable(null), readable("{"), readable("[]")]).toEqual([{}, {}, {}]);
  expect(withOne([one], { ...one, draft: {} })).toEqual([{ name: "small", draft: {} }]);
});

test("of many options those are shown that people set, and those that are filled in", () => {
  const names = ["dtype", "own", ...Array.from({ length: 50 }, (_, index) => `o${index}`)];
  const options = optionsOf({ properties: Object.fromEntries(names.map((name) => [name, {}])) });
  const shown = (count: number) => foremost(options.slice(0, count), (name) => name === "own").map((one) => one.name);
  expect(shown(52)).toEqual(["dtype", "own"]);
  expect(shown(9)).toHaveLength(9);
  expect(foremost(options.slice(2), () => false)).toHaveLength(50);
});
