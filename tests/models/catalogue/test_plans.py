"""What a name becomes on a machine, what is refused, and what is said of it."""

from typing import Any

import pytest
from msgspec.structs import replace

from models.catalogue.entries import Family, Place, Weights
from models.catalogue.names import Named, named
from models.catalogue.plans import Asked, Machine, Plan, plan
from models.engines import FACTS
from models.errors import InvalidRequest
from models.launching.engine_choice import choose
from models.launching.peek import Peek

CPU = Machine(frozenset({"llama_cpp", "transformers", "sentence_transformers", "faster_whisper", "diffusers"}))
BIG = Machine(CPU.engines | {"vllm"}, vllm_first=True)


def planned(name: str, machine: Machine = CPU, **asked: Any) -> Plan:
    return plan(named(name), Asked(**asked), machine)


def test_without_a_gpu_a_language_model_is_a_small_gguf_file() -> None:
    made = planned("qwen2.5-instruct", size=0.5)

    assert made.source == "hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF/qwen2.5-0.5b-instruct-q4_k_m.gguf"
    assert (made.engine, made.model_format, made.quantization, made.size) == ("llama_cpp", "ggufv2", "q4_k_m", 0.5)
    assert made.reason == (
        "qwen2.5-instruct, 0.5B, ggufv2, q4_k_m on llama_cpp: llama_cpp runs it, and so could transformers or vllm; "
        "other quantisations: q2_k, q3_k_m, q4_0, q5_0, q5_k_m, q6_k, q8_0"
    )


def test_with_vllm_on_a_gpu_it_is_what_its_makers_wrote() -> None:
    made = planned("qwen2.5-instruct", BIG, size=7)

    assert (made.engine, made.source) == ("vllm", "hf:Qwen/Qwen2.5-7B-Instruct")
    assert made.options == {"tool_call_parser": "hermes"}
    assert "vllm works on a GPU here" in made.reason


def test_vllm_on_a_cpu_comes_last() -> None:
    assert planned("qwen2.5-instruct", Machine(CPU.engines | {"vllm"})).engine == "llama_cpp"
    assert planned("qwen2.5-instruct", Machine(frozenset({"vllm"}))).engine == "vllm"


def test_the_smallest_size_is_taken_where_none_is_named() -> None:
    made = planned("qwen2.5-instruct")
    assert made.size == 0.5
    assert "no size was named, and it has 0.5, 1.5, 3, 7, 14, 32, 72" in made.reason


def test_what_works_nowhere_here_says_so() -> None:
    assert "vllm runs it, and works on no device here" in planned("Qwen/Qwen2.5-7B-Instruct-AWQ").reason


def test_a_quantisation_in_parts_is_known_by_its_first() -> None:
    made = planned("qwen2.5-instruct", size=7, quantization="Q4_K_M")
    assert made.file == "qwen2.5-7b-instruct-q4_k_m-00001-of-00002.gguf"
    assert planned("qwen2.5-instruct", size=7, quantization="q3_k_m").file == "qwen2.5-7b-instruct-q3_k_m.gguf"


def test_a_quantisation_may_be_a_repository() -> None:
    made = planned("qwen2.5-instruct", size=7, model_format="gptq", quantization="int8")
    assert made.source == "hf:Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8"


def test_a_revision_that_is_known_is_kept() -> None:
    assert planned("bge-m3").source == "hf:BAAI/bge-m3@73a15ad29ab604f3bdc31601849a9defe86d563f"


def test_a_hub_is_chosen() -> None:
    assert planned("qwen2.5-instruct", size=0.5, hub="modelscope").repository.startswith("modelscope:qwen/")
    with pytest.raises(InvalidRequest, match=r"no repository of 'bge-reranker.*|is known on modelscope") as caught:
        planned("text2vec-base-multilingual", hub="modelscope")
    assert caught.value.param == "download_hub"


def test_what_a_family_needs_comes_along() -> None:
    drawn = planned("sdxl-turbo")
    assert drawn.options == {"default_size": "512x512", "default_steps": 1, "default_guidance": 0.0}
    assert planned("e5-large-v2").options == {"prompts": {"query": "query: ", "document": "passage: "}}
    assert planned("gemma3:4b").options == {"mmproj": "mmproj-google_gemma-3-4b-it-f16.gguf"}
    alone = planned("FLUX.1-dev", model_format="gguf", quantization="Q4_0")
    assert alone.options["base"] == "hf:black-forest-labs/FLUX.1-dev"
    assert alone.source.endswith("/flux1-dev-Q4_0.gguf")


def test_a_family_that_needs_code_says_so() -> None:
    assert planned("chatglm3").code
    assert not planned("qwen2.5-instruct").code


CODED = Family(
    "coded",
    "LLM",
    (
        Weights("pytorch", 1.0, engines=("transformers",), code=("transformers",), hf=Place("a/small")),
        Weights("pytorch", 2.0, engines=("transformers",), hf=Place("a/large")),
    ),
)


def test_what_needs_no_code_comes_first_where_it_is_not_trusted() -> None:
    found = Named(CODED, CODED.specs)
    assert plan(found, Asked(), CPU).repository == "hf:a/large"
    assert plan(found, Asked(), Machine(CPU.engines, trusts=True)).repository == "hf:a/small"


@pytest.mark.parametrize(
    ("name", "asked", "param", "said"),
    [
        (
            "qwen2.5-instruct",
            {"size": 5},
            "model_size_in_billions",
            "has no size 5: nearest are 3 or 7, of 0.5, 1.5, 3",
        ),
        ("qwen2.5:99b", {}, "model_size_in_billions", "has no size 99: nearest are 32 or 72"),
        (
            "qwen2.5-instruct",
            {"size": 7, "model_format": "mlx"},
            "model_format",
            "of 7B does not come in the format 'mlx': it comes as pytorch or gptq or awq or ggufv2",
        ),
        (
            "qwen2.5-instruct",
            {"size": 7, "model_format": "gptq", "quantization": "int3"},
            "quantization",
            "of 7B does not come in the quantisation 'int3': it comes in Int4, Int8",
        ),
        (
            "qwen2.5-instruct",
            {"size": 7, "engine": "diffusers"},
            "model_engine",
            r"is not run by diffusers as it was asked for: it is by llama_cpp .ggufv2. or transformers .pytorch.",
        ),
        (
            "ChatTTS",
            {},
            "model_name",
            "'ChatTTS' is in the catalogue, and no engine here runs it: its network of sound",
        ),
    ],
)
def test_what_there_is_not_is_refused_and_the_nearest_named(
    name: str, asked: dict[str, Any], param: str, said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        planned(name, **asked)
    assert caught.value.param == param


def test_another_engine_may_be_asked_for_that_reads_the_format() -> None:
    assert planned("qwen2.5-instruct", engine="transformers", size=0.5).model_format == "pytorch"
    assert planned("deepseek-v3", engine="transformers").engine == "transformers"


def test_weights_that_are_not_known_are_decided_by_their_files() -> None:
    made = planned("Llama-3.2")
    assert made.engine is None
    assert "which engine runs it, its files say" in made.reason


@pytest.mark.parametrize("written", ["safetensors", "pytorch", "PyTorch"])
def test_formats_have_several_names(written: str) -> None:
    assert planned("qwen2.5-instruct", model_format=written).model_format == "pytorch"
    assert planned("qwen2.5-instruct", model_format="gguf").model_format == "ggufv2"


def test_the_order_of_sizes_in_the_data_means_nothing() -> None:
    falling = Family("falling", "LLM", tuple(replace(one, code=()) for one in reversed(CODED.specs)))
    assert plan(Named(falling, falling.specs), Asked(), CPU).size == 1.0


SEEN = {
    "pytorch": Peek("hf:a/b", ("config.json", "model.safetensors"), {}, {"config.json": {}}, remote=True),
    "diffusers": Peek("hf:a/b", ("model_index.json",), {}, {"model_index.json": {"_class_name": "FluxPipeline"}}),
    "ggufv2": Peek("hf:a/b/c.gguf", ("c.gguf",), single=True, remote=True),
    "ct2": Peek("hf:a/b", ("config.json", "model.bin"), {}, {"config.json": {"lang_ids": [], "suppress_ids": []}}),
}


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("qwen2.5-instruct", "pytorch"),
        ("qwen2.5-instruct", "awq"),
        ("qwen2.5-instruct", "ggufv2"),
        ("bge-m3", "pytorch"),
        ("bge-m3", "ggufv2"),
        ("bge-reranker-v2-m3", "pytorch"),
        ("sdxl-turbo", "diffusers"),
        ("FLUX.1-dev", "ggufv2"),
        ("whisper-large-v3", "ct2"),
    ],
)
def test_the_files_of_a_plan_are_what_it_says(name: str, written: str) -> None:
    made = planned(name, model_format=written)
    seen = SEEN.get(written, SEEN["pytorch"])
    assert made.engine is not None

    fit = choose(made.source, seen, FACTS[made.engine], made.family.type, made.model_format)

    assert (fit.engine.name, fit.model_type) == (made.engine, made.family.type)


def test_a_pipeline_is_of_a_format_of_its_own() -> None:
    assert planned("sdxl-turbo", model_format="pytorch").model_format == "diffusers"
    assert planned("FLUX.1-dev", model_format="safetensors").model_format == "diffusers"


@pytest.mark.parametrize(
    ("name", "asked", "param", "said"),
    [
        ("qwen2.5:7b", {"size": 3}, "model_size_in_billions", "the name says the size 7, and the launch 3"),
        ("qwen2.5:0.5b-instruct-q4_K_M", {"quantization": "q8_0"}, "quantization", "says the quantisation q4_k_m, and"),
    ],
)
def test_a_name_and_a_launch_that_disagree_are_refused(name: str, asked: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        planned(name, **asked)
    assert caught.value.param == param
    assert planned("qwen2.5:0.5b-instruct-q4_K_M", size=0.5, quantization="Q4_K_M").size == 0.5
