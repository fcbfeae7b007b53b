"""From a launch to the instance that it becomes."""

from dataclasses import fields
from typing import Any

import pytest
from pydantic import ValidationError

from models.errors import HeadraceError, InvalidRequest, ModelNotFound, UnsupportedParameter
from models.launching.launch import Launch, resolve
from models.launching.peek import Peek
from models.rows.instances import NewInstance
from models.rows.tables import instances

PIPELINE = Peek("/w", ("model_index.json",), documents={"model_index.json": {}})


def resolved(seen: Peek | None = None, **body: Any) -> NewInstance:
    """What becomes of this body."""
    return resolve(Launch.model_validate({"model_name": "mine"} | body), seen, trust_remote_code=False)


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        (
            {"model_name": "smollm2", "model_engine": "transformers", "n_gpu": 2},
            "n_gpu",
            "on one GPU: to use several, launch several replicas .--replica., or launch it on llama_cpp$",
        ),
        (
            {"model_name": "glyphs", "gpu_idx": [0, 1]},
            "gpu_idx",
            "the engine diffusers computes a model on one GPU: to use several, launch several replicas .--replica.$",
        ),
        ({"model_name": "minilm", "n_gpu": 2}, "n_gpu", "the engine sentence_transformers computes a model on one GPU"),
        (
            {"model_path": "/w", "model_engine": "faster_whisper", "n_gpu": 2},
            "n_gpu",
            "computes a model on one GPU",
        ),
        ({"model_path": "/w", "model_engine": "transformers", "n_gpu": 2}, "n_gpu", "launch it on llama_cpp or vllm$"),
        ({"model_name": "hibari", "n_gpu": 1}, "n_gpu", "the engine hibari computes on the CPU alone"),
        ({"model_name": "hibari", "gpu_idx": 0}, "gpu_idx", "the engine hibari computes on the CPU alone"),
        (
            {"model_path": "/w", "model_engine": "hibari", "n_gpu": 3},
            "n_gpu",
            "the engine hibari computes on the CPU alone: leave out n_gpu",
        ),
    ],
)
def test_several_gpus_are_refused_where_the_engine_uses_one(body: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(UnsupportedParameter, match=said) as caught:
        resolved(**body)

    assert caught.value.param == param


@pytest.mark.parametrize("n_gpu", ["cuda", "-1", -1, "2", ""])
def test_what_n_gpu_may_be_is_said(n_gpu: Any) -> None:
    with pytest.raises(ValidationError, match="say a number of GPUs, auto, or None for the CPU"):
        resolved(model_name="echo", n_gpu=n_gpu)


def test_an_option_of_another_engine_is_refused_at_once() -> None:
    refused: dict[str, Any] = {"model_name": "smollm2", "model_engine": "transformers", "tensor_parallel_size": 2}
    with pytest.raises(UnsupportedParameter, match="an option of vllm, and this is launched on transformers") as caught:
        resolved(**refused)
    assert caught.value.param == "tensor_parallel_size"
    assert resolved(model_name="smollm2", n_gpu_layers=4).options["n_gpu_layers"] == 4


def test_an_engine_for_which_a_model_does_not_come_is_named() -> None:
    with pytest.raises(ModelNotFound, match=r"'smollm2' does not come for vllm\. It comes for: llama_cpp, ggufv2"):
        resolved(model_name="smollm2", model_engine="vllm")


def test_several_gpus_are_for_engines_that_use_them() -> None:
    assert resolved(model_name="smollm2", n_gpu=2).n_gpu == "2"
    assert resolved(model_path="/w", model_engine="vllm", gpu_idx=[0, 1]).gpu_idx == [0, 1]
    assert resolved(model_name="echo", n_gpu=2).n_gpu == "2"
    assert resolved(model_name="glyphs", n_gpu=1, replica=2).n_gpu == "1"
    assert resolved(model_name="glyphs", gpu_idx=1).gpu_idx == [1]


def test_an_instance_is_a_row() -> None:
    assert {one.name for one in fields(NewInstance)} == set(instances.c.keys()) - {"created_at"}


def test_a_launch_of_the_catalogue_takes_its_weights_and_options() -> None:
    found = resolved(model_name="glyphs", model_uid="g", default_steps=3, n_gpu="None", replica=2)

    assert (found.uid, found.engine, found.model_type, found.source) == (
        "g",
        "diffusers",
        "image",
        "pkg:models/catalogue/glyphs",
    )
    assert (found.n_gpu, found.replica) == ("0", 2)
    assert (found.options["default_steps"], found.options["default_size"]) == (3, "64x64")
    assert resolved(model_name="smollm2").engine == "llama_cpp"
    assert resolved(model_name="smollm2", model_engine="transformers").engine == "transformers"
    assert resolved(model_name="echo", model_size_in_billions=7).size_in_billions == "7"


def test_a_launch_of_a_path_is_what_its_files_are() -> None:
    found = resolved(PIPELINE, model_path="/w", model_type="image")

    assert (found.engine, found.model_type, found.source, found.options) == ("diffusers", "image", "/w", {})
    assert resolved(PIPELINE, model_path="/w").model_type == "image"


def test_an_engine_of_several_types_is_told_which() -> None:
    assert resolved(model_path="/w", model_type="rerank").options == {"modality": "rerank"}
    assert resolved(model_path="/w", model_type="embedding", max_batch=2).options == {
        "modality": "embeddings",
        "max_batch": 2,
    }
    minilm = resolved(model_name="minilm")
    assert (minilm.model_type, minilm.options) == ("embedding", {"modality": "embeddings"})


@pytest.mark.parametrize(
    ("given", "n_gpu", "gpu_idx"),
    [
        ({}, "auto", None),
        ({"n_gpu": None}, "0", None),
        ({"n_gpu": "None"}, "0", None),
        ({"n_gpu": 4}, "4", None),
        ({"gpu_idx": 1}, "auto", [1]),
        ({"gpu_idx": []}, "auto", None),
        ({"n_gpu": 2, "gpu_idx": [0, 3]}, "2", [0, 3]),
    ],
)
def test_gpus_are_asked_for_by_number_or_by_name(given: dict[str, Any], n_gpu: str, gpu_idx: list[int] | None) -> None:
    new = resolved(model_name="echo", **given)
    assert (new.n_gpu, new.gpu_idx) == (n_gpu, gpu_idx)


@pytest.mark.parametrize(
    ("body", "error", "param"),
    [
        ({"model_name": "nothing"}, ModelNotFound, "model_name"),
        ({"model_name": "echo", "model_engine": "nothing"}, InvalidRequest, "model_engine"),
        ({"model_name": "echo", "model_type": "image"}, InvalidRequest, "model_type"),
        ({"model_name": "echo", "gpu_idx": [1, 1]}, InvalidRequest, "gpu_idx"),
        ({"model_name": "echo", "n_gpu": 2, "gpu_idx": [0, 1, 2]}, InvalidRequest, "gpu_idx"),
        ({"model_name": "echo", "trust_remote_code": True}, InvalidRequest, "trust_remote_code"),
        ({"model_name": "a b", "model_path": "/w"}, InvalidRequest, "model_uid"),
        ({"model_path": "relative"}, InvalidRequest, "model_path"),
        ({"model_path": "/w", "model_type": "audio"}, InvalidRequest, "model_engine"),
        ({"model_path": "/w", "model_type": "LLM", "model_engine": "diffusers"}, InvalidRequest, "model_type"),
    ],
)
def test_what_cannot_be_is_refused(body: dict[str, Any], error: type[HeadraceError], param: str) -> None:
    with pytest.raises(error) as caught:
        resolved(**body)

    assert caught.value.param == param


SAFETENSORS = Peek(
    "/w", ("config.json", "model.safetensors"), documents={"config.json": {"architectures": ["Qwen3ForCausalLM"]}}
)
GGUF = Peek("/w", ("a.gguf",), {"a.gguf": b"GGUF"}, single=True)


@pytest.mark.parametrize(
    ("seen", "more", "engine"),
    [
        (SAFETENSORS, {}, "vllm"),
        (SAFETENSORS, {"model_engine": "transformers"}, "transformers"),
        (SAFETENSORS, {"n_ctx": 512}, "transformers"),
        (SAFETENSORS, {"model_type": "embedding"}, "sentence_transformers"),
        (GGUF, {}, "llama_cpp"),
        (PIPELINE, {}, "diffusers"),
    ],
)
def test_vllm_goes_before_transformers_where_it_works(seen: Peek, more: dict[str, Any], engine: str) -> None:
    launch = Launch(model_name="m", model_path="/w", **more)
    assert resolve(launch, seen, trust_remote_code=False, vllm_works=True).engine == engine
    without = resolve(launch, seen, trust_remote_code=False).engine
    assert without == ("transformers" if engine == "vllm" else engine)
