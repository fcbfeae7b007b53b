"""What the script makes of facts: what is fetched, what runs it, and what is left out."""

from typing import Any

import pytest

from models.catalogue.entries import Family
from tests.catalogue.build import family_of


def made(
    name: str, *specs: dict[str, Any], kind: str = "LLM", known: dict[str, Any] | None = None, **more: Any
) -> Family:
    """The entry of a family of which this is told."""
    facts = {"name": name, "type": kind, "origin": "xinference-current", "specs": list(specs)} | more
    return family_of(facts, {kind.lower(): {name: known or {}}}, {"mine", "mine-instruct", "other"})


def spec(repo: str, written: str = "safetensors", *quantizations: str, **more: Any) -> dict[str, Any]:
    places = ("file_template", "split_template", "parts", "projectors")
    hf = {"repo": repo} | {name: more.pop(name) for name in places if name in more}
    facts: dict[str, Any] = {"format": written, "quantizations": quantizations or ("none",), "hf": hf}
    return facts | more


def test_files_that_are_cut_up_as_they_came_are_left_out() -> None:
    parts = {"Q6_K": ["split-a", "split-b"], "Q8_0": 2, "BF16": ["00001-of-00003", "00002-of-00003", "00003-of-00003"]}
    whole = {"file_template": "m.{quantization}.gguf", "split_template": "m.{quantization}-{part}.gguf"}
    [found] = made("mine", spec("a/m", "ggufv2", "Q4_0", "Q6_K", parts=parts, **whole)).specs

    assert found.quantizations == ("Q4_0", "Q8_0", "BF16")
    assert found.hf is not None
    assert [found.hf.file_of(one) for one in found.quantizations] == [
        *("m.Q4_0.gguf", "m.Q8_0-00001-of-00002.gguf", "m.BF16-00001-of-00003.gguf"),
    ]


def test_a_second_way_to_the_same_quantisation_is_left_out() -> None:
    first = spec("a/m", "ggufv2", "q4_0", "q8_0", size_in_billions=7)
    second = spec("b/m", "ggufv2", "Q4_0", "Q5_0", size_in_billions=7)
    assert [one.quantizations for one in made("mine", first, second).specs] == [("q4_0", "q8_0"), ("Q5_0",)]


def test_weights_of_unknown_size_beside_others_are_left_out() -> None:
    known, unknown = spec("a/m", size_in_billions=7), spec("b/m")
    assert [one.size for one in made("mine", unknown, known).specs] == [7.0]
    assert [one.size for one in made("mine", spec("a/m-3B")).specs] == [3.0]


def test_a_base_model_has_no_weights_that_were_tuned() -> None:
    base, tuned = spec("a/m-7B"), spec("b/m-7B-Instruct-GGUF", "ggufv2", "Q4_0")
    assert [one.format for one in made("mine", base, tuned, abilities=["generate"]).specs] == ["pytorch"]
    assert made("mine", tuned, abilities=["generate"]).abilities[0] == "chat"
    assert made("mine", base, abilities=["chat"], origin="ms-swift").abilities == ("generate",)
    assert made("mine-instruct", base).abilities == ("chat",)


@pytest.mark.parametrize(
    ("architecture", "more", "engines"),
    [
        (["Qwen2ForCausalLM"], {}, ("vllm", "transformers")),
        (["GptOssForCausalLM"], {}, ("vllm",)),
        (["NobodysForCausalLM"], {}, ("vllm",)),
        ([], {}, ("vllm",)),
        (["Qwen3ForCausalLM", "NobodysMoeForCausalLM"], {}, ("vllm", "transformers")),
        (["Qwen3ForCausalLM", "NobodysMoeForCausalLM"], {"activated_size": 3}, ("vllm",)),
        (["Qwen2ForCausalLM"], {"format": "awq"}, ("vllm",)),
    ],
)
def test_an_engine_is_told_of_where_the_table_of_families_has_it(
    architecture: list[str], more: dict[str, Any], engines: tuple[str, ...]
) -> None:
    told = spec("a/m", engines=["vllm", "transformers"]) | more
    assert made("mine", told, architecture=architecture).engines == engines


def test_code_is_told_of() -> None:
    told = spec("a/m", engines=["vllm", "transformers+trust"])
    [found] = made("mine", told, architecture=["ChatGLMModel"], custom_code={"vllm_tests_trust": True}).specs
    assert (found.engines, found.code) == (("vllm",), ("vllm",))


def test_pipelines_are_run_that_the_table_has() -> None:
    drawn = made(
        "flux",
        spec("a/flux"),
        spec("b/flux", "ggufv2", "Q4_0", part="transformer", file_template="f-{quantization}.gguf"),
        kind="image",
        known={"pipeline": "FluxPipeline", "default_size": "64x64", "recommended": {"steps": 4}},
    )
    assert [(one.engines, one.of) for one in drawn.specs] == [(("diffusers",), ""), (("diffusers",), "a/flux")]
    assert drawn.options == {"diffusers": {"default_size": "64x64", "default_steps": 4}}
    other = made("other", spec("a/o"), kind="image", known={"pipeline": "NobodysPipeline"})
    assert (other.engines, other.unserved) == (
        (),
        "its pipeline is none of those that the diffusers engine serves",
    )
    assert made("voice", spec("a/v"), kind="audio", abilities=["text2audio"]).unserved.startswith(
        "its network of sound"
    )
    assert made("whisper-x", spec("a/v"), kind="audio", family="whisper").engines == ("faster_whisper",)


def test_parsers_and_prompts_come_along() -> None:
    told = spec("a/m", engines=["vllm"])
    known = {"tool_call_parser": {"value": "hermes"}, "vllm": {"tokenizer_mode": {"values": ["mistral"]}}}
    assert made("mine", told, known=known).options == {
        "vllm": {"tool_call_parser": "hermes", "tokenizer_mode": "mistral"}
    }
    prompts = {"prompts": {"query": "query: "}}
    assert made("bge-m3", spec("a/b"), kind="embedding", known=prompts).options == {"sentence_transformers": prompts}


def test_names_of_other_families_are_no_aliases() -> None:
    assert made("mine", spec("a/m"), aliases=["Other", "m"], languages=["eng", "zho", "c++", "en"]).aliases == ("m",)
    assert made("mine", spec("a/m"), languages=["eng", "zho", "c++", "en"]).languages == ("en", "zh")
