import { expect, test } from "vitest";
import { adaptersOf, fieldOf } from "./adapters";
import { cascade, chosen, type WayThere, wayOf } from "./cascade";
import { bodyOf, looksLikePlace } from "./draft";
import { isOwn, isSeen, othersOf } from "./fields";

const way = (
  engine: string,
  format: string,
  size: number,
  quantization: string,
  more: Partial<WayThere> = {},
): WayThere => ({
  object: "way",
  engine,
  model_format: format,
  model_size_in_billions: size,
  quantization,
  runs: true,
  devices: ["n.cpu"],
  cause: null,
  reasons: [],
  reason: null,
  fits_now: true,
  needs: null,
  isHere: false,
  ...more,
});
const NOT = { runs: false, cause: "engine", reason: "vllm needs a GPU" } as const;
const WAYS = [
  way("vllm", "pytorch", 7, "none", NOT),
  way("transformers", "pytorch", 72, "none", { runs: false, cause: "memory", reason: "too large" }),
  way("transformers", "pytorch", 7, "none", { fits_now: false }),
  way("transformers", "pytorch", 0.5, "none"),
  way("llama.cpp", "ggufv2", 7, "Q4", { runs: false, cause: "unknown", reason: "not known yet" }),
];

test("sensible values are chosen, and what cannot be had says why", () => {
  const steps = cascade(WAYS, {});
  expect(chosen(steps)).toEqual({
    model_engine: "transformers",
    model_format: "pytorch",
    model_size_in_billions: "0.5",
    quantization: "none",
  });
  expect(steps[0]?.options).toEqual([
    { value: "vllm", reason: { text: "vllm needs a GPU", reasons: [] }, isHere: false },
    { value: "transformers", reason: null, isHere: false },
    { value: "llama.cpp", reason: null, isHere: false },
  ]);
  expect(steps[2]?.options.map((one) => [one.value, one.reason?.text ?? null])).toEqual([
    ["0.5", null],
    ["7", null],
    ["72", "too large"],
  ]);
});

test("what is picked is kept where it is there, and leads what comes before it", () => {
  expect(chosen(cascade(WAYS, { quantization: "Q4" }))).toMatchObject({ model_engine: "llama.cpp" });
  expect(chosen(cascade(WAYS, { model_engine: "vllm" }))).toMatchObject({ model_engine: "vllm" });
  expect(chosen(cascade(WAYS, { model_engine: "gone" }))).toMatchObject({ model_engine: "transformers" });
  const steps = cascade(WAYS, { model_engine: "Transformers", model_size_in_billions: "0_5" });
  expect(chosen(steps)).toMatchObject({ model_engine: "transformers", model_size_in_billions: "0.5" });
  expect(wayOf(WAYS, steps)).toBe(WAYS[3]);
});

test("what is here comes before what is small, and what is read fast before the rest", () => {
  const some = [
    way("transformers", "pytorch", 1, "none"),
    way("llama_cpp", "ggufv2", 1, "Q8_0"),
    way("llama_cpp", "ggufv2", 1, "Q4_K_M"),
    way("llama_cpp", "ggufv2", 7, "Q4_K_M"),
  ];
  const best = (ways: WayThere[]) => Object.values(chosen(cascade(ways, {})));
  expect(best(some)).toEqual(["llama_cpp", "ggufv2", "1", "Q4_K_M"]);
  expect(best([...some, way("transformers", "pytorch", 9, "none", { isHere: true })])[2]).toBe("9");
  expect(best([...some, way("vllm", "pytorch", 1, "none", { devices: ["n.cuda:0"] })])[0]).toBe("vllm");
  expect(best([...some, way("vllm", "pytorch", 1, "none")])[0]).toBe("llama_cpp");
});

test("what nothing is known of is left to the server", () => {
  expect(
    chosen(cascade([{ ...way("", "pytorch", 1, "none"), engine: null, model_size_in_billions: null }], {})),
  ).toEqual({
    model_format: "pytorch",
    quantization: "none",
  });
});

test("adapters are a list where the field holds one, and a text where it holds something else", () => {
  const two = [
    { name: "a", path: "/b" },
    { name: "", path: "" },
  ];
  expect(adaptersOf(fieldOf(two))).toEqual(two);
  expect([adaptersOf(""), fieldOf([])]).toEqual([[], ""]);
  expect(["{", "[]", '{"image_lora_load_kwargs": {}}', '{"lora_list": 1}'].map(adaptersOf)).toEqual(
    Array(4).fill(null),
  );
});

test("what has no place in the form is told apart", () => {
  expect(othersOf({ model_name: "a", replica: "2", n_ctx: "9", envs: "{}", n_worker: "2" }, ["n_ctx"])).toEqual([
    "n_worker",
  ]);
});

test("a body has what is filled in, with the types that are meant", () => {
  expect(
    bodyOf({
      model_name: " 7 ",
      replica: "2",
      gpu_idx: "0",
      pinned: "True",
      keep_alive: "5m",
      node: "",
      model_uid: "1",
    }),
  ).toEqual({ model_name: "7", replica: 2, gpu_idx: [0], pinned: true, keep_alive: "5m", model_uid: "1" });
  expect(bodyOf({ model_path: "hf:org/a-b" })).toEqual({ model_name: "a-b", model_path: "hf:org/a-b" });
  expect(bodyOf({ model_path: "/srv/models/a (1)/", model_name: " " })).toMatchObject({ model_name: "a-1-" });
  expect(bodyOf({ model_path: "hf:org/a/b.Q4_1.gguf" })).toMatchObject({ model_name: "b.Q4_1" });
  expect(bodyOf({ model_path: "/a/b", model_name: "c" })).toEqual({ model_name: "c", model_path: "/a/b" });
  expect(["hf:a/b", "/srv/a", "a/b", "qwen3:0.6b"].map(looksLikePlace)).toEqual([true, true, true, false]);
});

test("what the form has itself is no further option of an engine", () => {
  expect(["quantization", "trust_remote_code", "n_ctx"].map(isOwn)).toEqual([true, true, false]);
});

test("a parameter at fault is told at its field where that is seen", () => {
  const draft = { n_gpu: "3", envs: "{}" };
  const seen = (param: string) => isSeen(param, draft, ["n_ctx"]);
  expect(["n_gpu", "envs.A", "model_uid", "n_ctx", "name"].map(seen)).toEqual([true, true, true, true, true]);
  expect(["gpu_idx", "model_path", "other", "replica_config[0]"].map(seen)).toEqual([false, false, false, false]);
});
