"""A launch by name: what the devices that are here make of it, and what it becomes a launch of."""

from typing import Any

import pytest
from pydantic import ValidationError

from api.routes.models.by_name import _working
from models.catalogue.launches import asked_of, launch_of
from models.catalogue.names import named
from models.catalogue.plans import Asked, Machine, plan
from models.errors import InvalidRequest, UnsupportedParameter
from models.launching.launch import Launch, resolve
from models.rows.records import LoadedDevice


def launch(**body: Any) -> Launch:
    return Launch.model_validate({"model_name": "qwen2.5-instruct"} | body)


def device(kind: str, engines: dict[str, str]) -> LoadedDevice:
    return LoadedDevice("n.d", "n", kind, "a device", 1 << 34, 0, {}, engines, load=0)


CPU = device("cpu", {"llama_cpp": "", "vllm": "it is not installed", "transformers": ""})
GPU = device("cuda", {"llama_cpp": "no backend", "vllm": "", "transformers": ""})


def test_engines_count_that_work_where_the_launch_may_be() -> None:
    assert "vllm" in _working([CPU, GPU], launch())
    assert "vllm" not in _working([CPU, GPU], launch(n_gpu="None"))
    assert "vllm" not in _working([CPU, GPU], launch(n_gpu=0))
    assert "llama_cpp" in _working([CPU, GPU], launch())
    assert "llama_cpp" not in _working([GPU], launch())
    assert "diffusers" in _working([CPU], launch()), "it is still being asked"
    assert _working([], launch()) == frozenset()


@pytest.mark.parametrize(
    ("size", "billions"), [("0_5", 0.5), ("0.5", 0.5), (7, 7), (1.8, 1.8), ("72b", 72), (" 7B ", 7), (None, None)]
)
def test_a_size_is_read_as_clients_write_it(size: Any, billions: float | None) -> None:
    assert asked_of(launch(model_size_in_billions=size)).size == billions


@pytest.mark.parametrize("size", ["large", "-1", "1e3", "", "0_5_5", "\N{ARABIC-INDIC DIGIT SEVEN}", -1])
def test_what_is_no_size_is_refused(size: Any) -> None:
    with pytest.raises(InvalidRequest, match="is no size: give billions of parameters") as caught:
        asked_of(launch(model_size_in_billions=size))
    assert caught.value.param == "model_size_in_billions"
    echo = launch(model_size_in_billions=size, model_name="echo")
    with pytest.raises(InvalidRequest, match="is no size: give billions of parameters"):
        resolve(echo, None, trust_remote_code=False)


def test_true_is_no_size() -> None:
    with pytest.raises(ValidationError, match="give billions of parameters"):
        launch(model_size_in_billions=True)


def test_the_hub_of_the_environment_counts_for_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_MODEL_SRC", "modelscope")
    assert asked_of(launch()).hub == "modelscope"
    assert asked_of(launch(download_hub="huggingface")).hub == "huggingface"


def test_a_launch_says_the_rest_by_its_fields() -> None:
    body = {"model_engine": "llama.cpp", "model_format": "ggufv2", "quantization": "q8_0", "download_hub": "modelscope"}
    assert asked_of(launch(**body)) == Asked(None, "ggufv2", "q8_0", "llama_cpp", "modelscope")
    assert asked_of(launch(download_hub="auto")) == asked_of(launch(download_hub="")) == Asked()
    with pytest.raises(InvalidRequest, match="there is no engine 'nonsense'"):
        asked_of(launch(model_engine="nonsense"))
    with pytest.raises(
        UnsupportedParameter, match="fetched from huggingface or modelscope, not from 'csghub'"
    ) as caught:
        asked_of(launch(download_hub="csghub"))
    assert caught.value.param == "download_hub"


def test_a_launch_becomes_one_of_the_weights_and_keeps_what_it_says() -> None:
    asked = launch(model_name="sdxl-turbo", default_steps=2, replica=2)
    made = plan(named("sdxl-turbo"), Asked(), Machine(frozenset({"diffusers"})))

    found = launch_of(asked, made)

    assert (found.uid, found.model_name, found.model_type, found.model_engine, found.replica) == (
        *("sdxl-turbo", "sdxl-turbo", "image", "diffusers", 2),
    )
    assert found.options == {"default_steps": 2, "default_size": "512x512", "default_guidance": 0.0}
    assert found.model_path == made.source
    assert asked.options == {"default_steps": 2}, "the launch that came stays as it is"


def test_the_uid_is_what_was_typed() -> None:
    made = plan(named("qwen2.5:7b"), Asked(), Machine())
    found = launch_of(launch(model_name="qwen2.5:7b"), made)
    assert (found.uid, found.model_name, found.model_size_in_billions) == ("qwen2.5:7b", "qwen2.5-instruct", 7)
    assert launch_of(launch(model_name="qwen2.5:7b", model_uid="mine"), made).uid == "mine"
