"""What names mean: exactly before alike, names before aliases before repositories, and tags."""

import pytest

from models.catalogue.entries import families
from models.catalogue.names import is_known, meant, named, nearest
from models.errors import ModelNotFound


@pytest.mark.parametrize(
    ("typed", "family", "size", "quantization"),
    [
        ("qwen2.5-instruct", "qwen2.5-instruct", None, None),
        ("qwen2.5", "qwen2.5", None, None),
        ("QWEN2.5 Instruct", "qwen2.5-instruct", None, None),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen2.5-instruct", 7, None),
        ("Qwen2.5-7B-Instruct", "qwen2.5-instruct", 7, None),
        ("qwen/qwen2.5-7b-instruct", "qwen2.5-instruct", 7, None),
        ("Qwen/Qwen2.5-7B-Instruct-GPTQ-Int8", "qwen2.5-instruct", 7, "Int8"),
        ("qwen2.5:7b", "qwen2.5-instruct", 7, None),
        ("qwen2.5:latest", "qwen2.5-instruct", None, None),
        ("qwen2.5:0.5b-instruct-q4_K_M", "qwen2.5-instruct", 0.5, "q4_k_m"),
        ("qwen2.5:7b-instruct-fp16", "qwen2.5-instruct", 7, "fp16"),
        ("llama3:8b-bf16", "llama-3-instruct", 8, "none"),
        ("qwen3:8b", "qwen3", 8, None),
        ("qwen3:600m", "qwen3", 0.6, None),
        ("llama3.2:3b", "Llama-3.2-Instruct", 3, None),
        ("llama3.1", "llama-3.1-instruct", None, None),
        ("gemma3:4b", "gemma-3-it", 4, None),
        ("deepseek-r1:7b", "deepseek-r1-distill-qwen", 7, None),
        ("deepseek-r1:671b", "deepseek-r1", 671, None),
        ("chatglm3", "chatglm3", None, None),
        ("chatglm3-6b", "chatglm3", None, None),
        ("bge-m3", "bge-m3", None, None),
        ("BAAI/bge-m3", "bge-m3", 0.568, None),
        ("nomic-embed-text", "nomic-embed-text-v1.5", None, None),
        ("sdxl", "stable-diffusion-xl-base-1.0", None, None),
        ("openai/whisper-large-v3", "whisper-large-v3", 1.55, None),
    ],
)
def test_what_people_type_is_found(typed: str, family: str, size: float | None, quantization: str | None) -> None:
    found = named(typed)
    assert (found.family.name, found.size, found.quantization) == (family, size, quantization)


def test_every_name_and_alias_means_its_own_family() -> None:
    for one in families():
        for name in (one.name, *one.aliases):
            assert named(name, one.type).family.name == one.name, name


def test_every_repository_is_known_by_its_id() -> None:
    for one in families():
        for spec in one.specs:
            for place in spec.places().values():
                repository = place.repo.format(quantization=spec.quantizations[0])
                found = named(repository)
                ids = [there.repo for each in found.specs for there in each.places().values()]
                assert repository in ids or place.repo in ids, repository


def test_a_type_chooses_between_models_of_one_name() -> None:
    assert named("MinerU2.5-2509-1.2B").family.type == "LLM"
    assert named("MinerU2.5-2509-1.2B", "image").family.type == "image"
    with pytest.raises(ModelNotFound, match=r"no model 'bge-m3' of type rerank: the nearest are .*bge-reranker-v2-m3"):
        named("bge-m3", "rerank")


@pytest.mark.parametrize(
    "typed", ["someone/Qwen2.5-7B-Instruct", "qwen2.5:7b-turbo", "nothing-like-it-1234", ":", "a:b"]
)
def test_what_nobody_has_a_record_of_is_not_found(typed: str) -> None:
    with pytest.raises(ModelNotFound) as caught:
        named(typed)
    assert caught.value.param == "model_name"


@pytest.mark.parametrize(
    ("typed", "like"),
    [
        ("qwen2.5-instrukt", "qwen2.5-instruct"),
        ("bge-large-zhh", "bge-large-zh"),
        ("wisper-large-v3", "whisper-large-v3"),
    ],
)
def test_the_nearest_names_are_suggested(typed: str, like: str) -> None:
    assert like in nearest(typed)[:2]
    with pytest.raises(ModelNotFound, match=f"the nearest are .*{like}"):
        named(typed)


@pytest.mark.parametrize(
    ("typed", "first"), [("qwen3-8b", "qwen3"), ("smollm2x", "smollm2"), ("whisper-larg", "whisper")]
)
def test_a_size_in_a_name_is_no_version(typed: str, first: str) -> None:
    assert nearest(typed)[0].startswith(first)
    assert nearest("qwen3-8b")[0] == "qwen3"


def test_a_name_without_end_is_not_repeated() -> None:
    with pytest.raises(ModelNotFound) as caught:
        named("x" * 10_000)
    assert len(caught.value.message) < 400


def test_names_that_are_registered_are_suggested_too() -> None:
    assert nearest("my-modle", own=["my-model", "other"])[0] == "my-model"
    with pytest.raises(ModelNotFound, match="the nearest are my-model"):
        named("my-modle", "LLM", ["my-model"])


def test_a_tag_narrows_what_is_told_of_a_family() -> None:
    assert {one.size for one in meant(named("qwen2.5:7b"))} == {7}
    exact = meant(named("qwen2.5:0.5b-instruct-q4_K_M"))
    assert {(one.size, one.format, one.quantizations) for one in exact} == {(0.5, "ggufv2", ("q4_k_m",))}
    assert meant(named("qwen2.5:9b")) == named("qwen2.5:9b").specs, "there is none of that size"
    assert meant(named("qwen3")) == named("qwen3").specs


@pytest.mark.parametrize(
    ("name", "known"), [("bge-m3", True), ("echo", True), ("llama3.2", True), ("bge-m", False), ("QWEN3", False)]
)
def test_a_name_is_known_as_it_is_written(name: str, known: bool) -> None:
    assert is_known(name) is known
