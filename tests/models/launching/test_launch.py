"""From a launch to the instance that it becomes."""

from dataclasses import fields, replace
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


@pytest.mark.parametrize("n_gpu", [None, 0, "None"])
def test_gpus_that_are_named_are_not_the_cpu(n_gpu: Any) -> None:
    with pytest.raises(InvalidRequest, match=f"n_gpu {n_gpu} means the CPU alone, and gpu_idx names GPUs") as caught:
        resolved(model_name="smollm2", n_gpu=n_gpu, gpu_idx=[0])

    assert caught.value.param == "gpu_idx"


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
    with pytest.raises(
        ModelNotFound, match=r"'smollm2' does not come as engine vllm\. It comes as: engine llama_cpp, format ggufv2"
    ):
        resolved(model_name="smollm2", model_engine="vllm")


def test_several_gpus_are_for_engines_that_use_them() -> None:
    assert resolved(model_name="smollm2", n_gpu=2).n_gpu == "2"
    assert resolved(model_path="/w", model_engine="vllm", gpu_idx=[0, 1]).gpu_idx == [0, 1]
    assert resolved(model_name="echo", n_gpu=2).n_gpu == "2"
    assert resolved(model_name="glyphs", n_gpu=1, replica=2).n_gpu == "1"
    assert resolved(model_name="glyphs", gpu_idx=1).gpu_idx == [1]


def test_an_instance_is_a_row() -> None:
    measured = {"created_at", "load_s"}
    assert {one.name for one in fields(NewInstance)} == set(instances.c.keys()) - measured


@pytest.mark.parametrize("uid", ["a", "org/name", "org/name:8b", "a/b/c.gguf", "progress", "replicas/a", "a" * 100])
def test_a_uid_may_have_slashes_and_colons(uid: str) -> None:
    assert resolved(model_name="echo", model_uid=uid).uid == uid


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
        ({"model_name": "echo", "worker_ip": "a", "node": "b"}, InvalidRequest, "worker_ip"),
        ({"model_name": "echo", "n_worker": 2}, UnsupportedParameter, "n_worker"),
        ({"model_name": "echo", "envs": {"PATH": "b"}}, InvalidRequest, "envs.PATH"),
        ({"model_name": "echo", "enable_virtual_env": True}, UnsupportedParameter, "enable_virtual_env"),
        ({"model_name": "echo", "enable_thinking": True}, UnsupportedParameter, "enable_thinking"),
        (
            {"model_name": "echo", "peft_model_config": {"lora_list": [{"lora_name": "a", "local_path": "/a"}]}},
            UnsupportedParameter,
            "peft_model_config",
        ),
        *(
            ({"model_name": "echo", "model_uid": uid}, InvalidRequest, "model_uid")
            for uid in (
                "a b",
                "/a",
                "a/",
                "a//b",
                "..",
                "a/../b",
                "a/./b",
                "a%2Fb",
                "é",
                "a\n",
                "instances",
                "a/replicas",
                "a/logs",
            )
        ),
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


XINFERENCE: dict[str, Any] = {
    "model_engine": None,
    "peft_model_config": None,
    "model_size_in_billions": None,
    "replica": 1,
    "n_worker": 1,
    "n_gpu": "auto",
    "request_limits": None,
    "worker_ip": None,
    "gpu_idx": None,
    "replica_config": None,
    "enable_thinking": False,
    "enable_virtual_env": None,
    "virtual_env_packages": None,
    "virtual_env_find_links": None,
    "envs": None,
    "trust_remote_code": True,
}
"""What Xinference's command line sends where its user says nothing."""


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"enable_virtual_env": False, "virtual_env_packages": [], "virtual_env_find_links": [], "envs": {}},
        {"download_hub": "modelscope", "worker_ip": "", "replica_config": [], "peft_model_config": {"lora_list": []}},
    ],
)
@pytest.mark.parametrize("name", ["smollm2", "minilm", "glyphs", "echo"])
def test_what_asks_for_nothing_is_taken(name: str, more: dict[str, Any]) -> None:
    new = resolved(**(XINFERENCE | {"model_name": name} | more))

    assert new == resolved(model_name=name)
    assert new.trust_remote_code is False


def test_code_is_refused_only_where_the_weights_name_some() -> None:
    own = replace(SAFETENSORS, documents={"config.json": {"architectures": ["Own"], "auto_map": {"AutoConfig": "o.C"}}})
    body: dict[str, Any] = {"model_path": "/w", "model_engine": "transformers", "trust_remote_code": True}

    with pytest.raises(InvalidRequest, match="name code of their own") as caught:
        resolved(own, **body)

    assert caught.value.param == "trust_remote_code"
    assert resolved(SAFETENSORS, **body).trust_remote_code is False
    assert resolved(None, **body).trust_remote_code is False
    trusted = resolve(Launch.model_validate({"model_name": "mine"} | body), own, trust_remote_code=True)
    assert trusted.trust_remote_code is True


def test_xinferences_names_of_options_are_the_engines_own() -> None:
    body: dict[str, Any] = {"model_path": "/w", "context_length": 2048}
    loras = {"lora_list": [{"lora_name": "a", "local_path": "/a"}]}

    assert resolved(model_name="smollm2", context_length=2048).options == {"n_ctx": 2048}
    assert resolved(model_name="echo", context_length=2048).options == {"context_length": 2048}
    assert resolved(**body, model_engine="vllm", peft_model_config=loras, enable_thinking=False).options == {
        "max_model_len": 2048,
        "lora_modules": {"a": "/a"},
        "default_chat_template_kwargs": {"enable_thinking": False},
    }
    odd = resolved(model_path="/w", model_engine="vllm", enable_thinking=False, default_chat_template_kwargs="x")
    assert odd.options == {"default_chat_template_kwargs": "x"}, "the engine refuses it"
    assert resolved(model_path="/w", model_engine="diffusers", peft_model_config=loras).options == {
        "loras": {"a": "/a"}
    }


def test_how_adapters_are_to_be_fused_is_refused() -> None:
    with pytest.raises(ValidationError, match="a request says how strong each adapter is"):
        Launch.model_validate({"model_name": "m", "peft_model_config": {"image_lora_fuse_kwargs": {"lora_scale": 1}}})
    adapters = Launch.model_validate({"model_name": "m", "peft_model_config": {"image_lora_load_kwargs": {}}})
    assert adapters.peft_model_config is not None
    assert adapters.peft_model_config.image_lora_load_kwargs is None


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


@pytest.mark.parametrize(
    ("given", "node"),
    [({"node": "a"}, "a"), ({"worker_ip": "a"}, "a"), ({"worker_ip": "", "node": "b"}, "b"), ({}, None)],
)
def test_a_launch_may_say_on_which_node(given: dict[str, str], node: str | None) -> None:
    assert resolve(Launch.model_validate({"model_name": "echo", **given}), None, trust_remote_code=False).node == node


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        ({"model_name": "smollm2", "n_ctx": "x"}, "n_ctx", "'n_ctx'"),
        ({"model_name": "smollm2", "n_cxt": 512}, "n_cxt", "did you mean 'n_ctx'"),
        ({"model_name": "smollm2", "keepalive": "5m"}, "keepalive", "did you mean 'keep_alive'\\?$"),
        ({"model_name": "smollm2", "stop_token_id": [1]}, "stop_token_id", "did you mean 'stop_token_ids'"),
        ({"model_name": "smollm2", "colour": 1}, "colour", "no option 'colour'; it has cache_ram_mib, "),
        ({"model_path": "/w", "model_engine": "vllm", "min_replica": 2}, "min_replica", "did you mean 'min_replicas'"),
        ({"model_name": "minilm", "dtype": "x"}, "dtype", "'dtype'"),
        ({"model_name": "glyphs", "default_step": 3}, "default_step", "did you mean 'default_steps'"),
        ({"model_path": "/w", "model_engine": "vllm", "max_num_seq": 3}, "max_num_seq", "max_num_seqs"),
        ({"model_path": "/w", "model_engine": "vllm", "gpu_memory_utilization": -3}, "gpu_memory_utilization", "1$"),
        (
            {"model_path": "/w", "model_engine": "vllm", "gpu_memory_utilization": "x"},
            "gpu_memory_utilization",
            "number",
        ),
        ({"model_path": "/w", "model_engine": "vllm", "dtype": "float61"}, "dtype", "did you mean 'float16'"),
        ({"model_path": "/w", "model_engine": "vllm", "max_num_seqs": True}, "max_num_seqs", "a whole number"),
    ],
)
def test_options_are_checked_before_anything_is_loaded(body: dict[str, Any], param: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        resolved(**body)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"model_name": "smollm2", "model_size_in_billions": 7}, "'smollm2' has no size 7: it has 0.135 alone"),
        ({"model_name": "minilm", "model_size_in_billions": "7"}, "'minilm' has no size 7: leave"),
    ],
)
def test_a_size_that_what_comes_with_headrace_has_not_is_refused(body: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        resolved(**body)
    assert caught.value.param == "model_size_in_billions"
    assert resolved(model_name="smollm2", model_size_in_billions="0.135").engine == "llama_cpp"
