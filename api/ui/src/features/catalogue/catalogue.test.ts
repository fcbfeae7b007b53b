import { expect, test } from "vitest";
import type { CatalogueEntry, CatalogueWeights } from "../../api/types";
import { lineOf, linesOf, sourcesOf } from "./lines";
import { choices, keyOf, ordered, passing } from "./passing";
import { changed, filtersOf, lineFiltersOf } from "./search";
import { tonguesOf } from "./tongues";

const entry = (name: string, more: Partial<CatalogueEntry> = {}) =>
  ({
    name,
    type: "LLM",
    aliases: [],
    abilities: [],
    languages: [],
    engines: [],
    formats: [],
    cause: null,
    least_bytes: 1,
    cached: false,
    ...more,
  }) as unknown as CatalogueEntry;

const names = (entries: readonly CatalogueEntry[]) => entries.map((one) => one.name);

test("an address that says nonsense shows everything", () => {
  expect(filtersOf({ q: 7, type: "llm", fits: "yes", pages: 0, other: 1 })).toEqual({ q: "7" });
  const all = { q: "a b", type: "LLM", ability: "chat", fits: true, cached: true, favourites: true, pages: 3 };
  expect(filtersOf(all)).toEqual(all);
  expect(filtersOf({ pages: 1e9 })).toEqual({ pages: 100 });
  expect(lineFiltersOf({ size: 0.5, fits: true, type: "x" })).toEqual({ size: 0.5, fits: true });
});

test("what is changed begins at the first page", () => {
  const now = filtersOf({ q: "a", fits: true, pages: 3 });
  expect(changed(now, { fits: false, ability: "chat" })).toEqual({ q: "a", ability: "chat" });
  expect(changed(now, { q: "" })).toEqual({ fits: true });
});

test("what is here comes first, then what fits, then what may", () => {
  const entries = [
    entry("d", { cause: "memory" }),
    entry("c", { cause: "unknown", cached: true }),
    entry("m10"),
    entry("m9"),
    entry("e", { least_bytes: null }),
    entry("z", { cached: true, least_bytes: null }),
  ];
  expect(names(ordered(entries))).toEqual(["z", "m9", "m10", "c", "e", "d"]);
});

test("models pass that have all that is asked for", () => {
  const entries = [
    entry("my-qwen", { abilities: ["chat"], languages: ["en"], engines: ["vllm"], formats: ["fp8"] }),
    entry("Qwen3", { cause: "memory", aliases: ["big"] }),
    entry("whisper", { type: "audio", cached: true, least_bytes: null }),
    entry("flux", { type: "image", least_bytes: null }),
  ];
  const shown = (search: Record<string, unknown>, favourites: string[] = []) =>
    names(passing(entries, filtersOf(search), new Set(favourites)));
  expect(shown({})).toEqual(["my-qwen", "Qwen3", "whisper", "flux"]);
  expect(shown({ q: "QWEN" })).toEqual(["Qwen3", "my-qwen"]);
  expect(shown({ q: "wen my" })).toEqual(["my-qwen"]);
  expect(shown({ q: "big" })).toEqual(["Qwen3"]);
  expect(shown({ fits: true })).toEqual(["my-qwen", "whisper"]);
  expect(shown({ cached: true })).toEqual(["whisper"]);
  expect(shown({ type: "audio" })).toEqual(["whisper"]);
  for (const one of [{ ability: "chat" }, { language: "en" }, { engine: "vllm" }, { format: "fp8" }])
    expect(shown(one)).toEqual(["my-qwen"]);
  expect(shown({ favourites: true }, [keyOf({ type: "LLM", name: "Qwen3" })])).toEqual(["Qwen3"]);
});

test("of models that are searched the newest come first, after the one that was named", () => {
  const entries = ["qwen-chat", "qwen", "qwen2.5", "qwen10", "qwen3"].map((name) => entry(name));
  const found = (q: string) => names(passing([...entries, entry("qwen99", { cause: "memory" })], { q }, new Set()));
  expect(found("qwen")).toEqual(["qwen", "qwen10", "qwen3", "qwen2.5", "qwen-chat", "qwen99"]);
});

test("the words of a filter, the usual first", () => {
  const entries = [entry("a", { formats: ["x", "y"] }), entry("b", { formats: ["y"] })];
  expect(choices(entries, (one) => one.formats)).toEqual(["y", "x"]);
});

test("a language is one, whichever code its authors wrote", () => {
  const entries = [entry("a", { languages: ["khm", "kh", "en"] }), entry("b", { languages: ["km", "my own!"] })];
  expect(choices(entries, tonguesOf)).toEqual(["km", "en", "my own!"]);
  for (const language of ["km", "kh", "khm"]) expect(names(passing(entries, { language }, new Set()))).toHaveLength(2);
});

const way = (engine: string | null, runs: boolean, cause: string | null = null) => ({ engine, runs, cause });
const weights = (size: number, ...ways: unknown[]) =>
  ({ model_size_in_billions: size, ways }) as unknown as CatalogueWeights;

test("a line shows the first way that can be gone, or why none can", () => {
  const some = weights(1, way("vllm", false, "engine"), way("llama_cpp", true), way("transformers", true));
  expect(lineOf(some)).toMatchObject({ way: { engine: "llama_cpp" }, others: ["transformers"], mayTry: true });
  expect(lineOf(weights(1, way("vllm", false, "memory")))).toMatchObject({ others: [], mayTry: false });
  expect(lineOf(weights(1, way(null, false, "unknown")))).toMatchObject({ mayTry: true });
  const all = [some, weights(2, way("vllm", false, "memory"))];
  expect(linesOf(all, { size: 2 })).toHaveLength(1);
  expect(linesOf(all, { fits: true })).toHaveLength(1);
  expect(linesOf(all, {})).toHaveLength(2);
});

test("repositories are found in the cache by the names that this gives them", () => {
  const found = sourcesOf([
    { repositories: { huggingface: "a/b", modelscope: "c/d" } },
    { repositories: { huggingface: "a/b" } },
    { repositories: {} },
  ]);
  expect([...found]).toEqual(["hf:a/b", "modelscope:c/d"]);
});
