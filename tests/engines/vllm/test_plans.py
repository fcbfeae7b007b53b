"""What is decided before vLLM is asked: sorting a launch's options, memory, and reading what its server says."""

import json
from pathlib import Path
from typing import Any

import psutil
import pynvml
import pytest

from models.errors import ContextLengthExceeded, EngineFailure, HeadraceError, InvalidRequest, Overloaded
from models.modalities import chat
from models.modalities.chat.messages import Media
from models.modalities.structure import Constraint
from workers.engines import ENGINES, engine_class
from workers.engines.accelerator.card import Card
from workers.engines.base import EngineSite
from workers.engines.vllm import memory, options, parallel, wire

KNOWN = {"max_model_len", "dtype", "model", "worker_cls", "load_format", "structured_outputs_config", "enable_lora"}


def test_an_engine_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENGINES, "vllm", "workers.engines.vllm_nowhere:Vllm")
    with pytest.raises(InvalidRequest, match="not installed under"):
        engine_class("vllm")


def plan(*, trusted: bool = False, **asked: Any) -> options.LaunchPlan:
    """The plan of a launch with these options."""
    return options.plan(asked, KNOWN, trusted=trusted)


def test_options_are_sorted() -> None:
    found = plan(max_model_len=64, tool_call_parser="hermes", chat_template="{{ x }}", memory_bytes=1 << 30)

    assert found.engine["max_model_len"] == 64
    assert found.engine["load_format"] == "safetensors"
    assert found.engine["structured_outputs_config"] == {"backend": "guidance", "disable_any_whitespace": True}
    assert found.serving == {
        "tool_call_parser": "hermes",
        "enable_auto_tool_choice": True,
        "chat_template": "{{ x }}",
    }
    assert found.memory_bytes == 1 << 30
    assert "enable_sleep_mode" not in found.engine
    assert plan(sleep_after_s=5).engine["enable_sleep_mode"] is True


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"max_modl_len": 1}, "did you mean 'max_model_len'"),
        ({"tool_call_parse": 1}, "did you mean 'tool_call_parser'"),
        ({"lora_module": {}}, "did you mean 'lora_modules'"),
        ({"qqqqqq": 1}, "no argument 'qqqqqq'"),
        ({"model": "x"}, "Headrace's to set"),
        ({"worker_cls": "x.Y"}, "trust_remote_code"),
        ({"structured_outputs_config": {"reasoning_parser_plugin": "/x.py"}}, "trust_remote_code"),
        ({"load_format": "pt"}, "trust_remote_code"),
        ({"tool_parser_plugin": "/x.py"}, "trust_remote_code"),
        ({"sleep_after_s": -1}, "sleep_after_s"),
        ({"lora_modules": {"image": "/x"}}, "name of an adapter"),
        ({"lora_modules": {"mine": "hf:a/b"}}, "an adapter is a path"),
    ],
)
def test_what_is_not_the_launchs_to_say_is_refused(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        plan(**asked)


def test_trust_lets_code_in() -> None:
    assert plan(worker_cls="x.Y", trusted=True).engine["worker_cls"] == "x.Y"
    assert "load_format" not in plan(trusted=True).engine


def test_adapters_say_how_large_they_are(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 20}))
    (tmp_path / "other.safetensors").touch()
    with pytest.raises(InvalidRequest, match=r"adapter_model\.safetensors"):
        plan(lora_modules={"mine": str(tmp_path)})
    (tmp_path / "adapter_model.safetensors").touch()

    found = plan(lora_modules={"mine": str(tmp_path)})

    assert found.adapters == {"mine": tmp_path}
    assert (found.engine["enable_lora"], found.engine["max_loras"], found.engine["max_lora_rank"]) == (True, 1, 32)
    (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 4096}))
    with pytest.raises(InvalidRequest, match="too large"):
        plan(lora_modules={"mine": str(tmp_path)})


def test_a_gpu_without_memory_of_its_own_has_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_supported(_handle: object) -> None:
        raise pynvml.NVMLError_NotSupported

    for name, answer in {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlDeviceGetHandleByUUID": lambda uuid: uuid,
        "nvmlDeviceGetCudaComputeCapability": lambda _: (12, 1),
        "nvmlDeviceGetMemoryInfo": not_supported,
    }.items():
        monkeypatch.setattr(pynvml, name, answer)
    [card] = memory.measure(["GPU-1"])

    assert (card.capability, card.unified) == ((12, 1), True)
    assert card.total_bytes == psutil.virtual_memory().total
    assert 0 < card.free_bytes < card.total_bytes


LLAMA_8B = {"num_attention_heads": 32, "num_key_value_heads": 8, "num_hidden_layers": 32}
QWEN_32B = {"num_attention_heads": 40, "num_key_value_heads": 8, "num_hidden_layers": 64}
QWEN_7B = {"num_attention_heads": 28, "num_key_value_heads": 4, "num_hidden_layers": 28}
DEEPSEEK = {"num_attention_heads": 128, "num_key_value_heads": 6, "kv_lora_rank": 512, "num_hidden_layers": 61}
GPT2 = {"n_head": 12, "n_layer": 12}
TINY = {"num_attention_heads": 3, "num_key_value_heads": 3, "num_hidden_layers": 2}
UNKNOWN: dict[str, Any] = {}


@pytest.mark.parametrize(
    ("config", "gpus", "asked", "expected"),
    [
        (LLAMA_8B, 0, (None, None), (1, 1)),
        (LLAMA_8B, 1, (None, None), (1, 1)),
        (LLAMA_8B, 8, (None, None), (8, 1)),
        (LLAMA_8B, 16, (None, None), (16, 1)),  # each head of keys is on two GPUs
        (LLAMA_8B, 3, (None, None), (1, 3)),
        (LLAMA_8B, 6, (None, None), (2, 3)),
        (LLAMA_8B, 8, (None, 2), (4, 2)),
        (LLAMA_8B, 8, (None, 3), (2, 3)),
        (LLAMA_8B, 8, (2, None), (2, 1)),
        (LLAMA_8B, 8, (2, 4), (2, 4)),
        (LLAMA_8B, 8, (1, 8), (1, 8)),
        (QWEN_32B, 8, (None, None), (8, 1)),
        (QWEN_32B, 5, (None, None), (1, 5)),  # 40 can be divided by 5, but 8 cannot
        (QWEN_7B, 8, (None, None), (4, 2)),
        ({"text_config": QWEN_7B, "num_hidden_layers": 1}, 8, (None, None), (4, 2)),
        (DEEPSEEK, 8, (None, None), (8, 1)),
        (GPT2, 8, (None, None), (4, 2)),
        (TINY, 2, (None, None), (1, 2)),
        (UNKNOWN, 8, (None, None), (8, 1)),
        ({"num_attention_heads": [4, 8]}, 8, (None, None), (8, 1)),
    ],
)
def test_all_gpus_of_a_replica_work_together(
    config: dict[str, Any], gpus: int, asked: tuple[int | None, int | None], expected: tuple[int, int]
) -> None:
    assert parallel.sizes(*asked, gpus, parallel.shape_of(config)) == expected


@pytest.mark.parametrize(
    ("config", "gpus", "asked", "param", "said"),
    [
        (LLAMA_8B, 2, (4, None), "tensor_parallel_size", "4 times 1 GPUs are asked for, the replica has 2"),
        (LLAMA_8B, 0, (2, None), "tensor_parallel_size", "2 times 1 GPUs are asked for, the replica has 1"),
        (LLAMA_8B, 4, (2, 3), "tensor_parallel_size", "2 times 3 GPUs are asked for, the replica has 4"),
        (LLAMA_8B, 4, (1, 8), "pipeline_parallel_size", "1 times 8 GPUs are asked for, the replica has 4"),
        (LLAMA_8B, 4, (0, None), "tensor_parallel_size", "must be at least 1"),
        (LLAMA_8B, 4, (2, -1), "pipeline_parallel_size", "'pipeline_parallel_size' must be at least 1"),
        (
            LLAMA_8B,
            6,
            (6, None),
            "tensor_parallel_size",
            "the model's 32 attention heads cannot be divided by a tensor_parallel_size of 6; "
            "a tensor_parallel_size of 2 and a pipeline_parallel_size of 3 would do",
        ),
        (
            QWEN_32B,
            5,
            (5, None),
            "tensor_parallel_size",
            "the model's 8 key and value heads do not go into a tensor_parallel_size of 5; "
            "a tensor_parallel_size of 1 and a pipeline_parallel_size of 5 would do",
        ),
        (
            QWEN_7B,
            16,
            (None, 2),
            "pipeline_parallel_size",
            "28 attention heads cannot be .* of 8; .* of 4 and",
        ),
        (TINY, 4, (1, 4), "pipeline_parallel_size", "2 layers are too few for a pipeline_parallel_size of 4"),
        (
            TINY,
            5,
            (5, None),
            "tensor_parallel_size",
            "3 attention heads cannot be divided by .* of 5$",
        ),
        (
            TINY,
            5,
            (None, None),
            "n_gpu",
            "3 attention heads cannot be divided by a tensor_parallel_size of 5, and the model's 2 layers are "
            "too few for a pipeline_parallel_size of 5: ask for fewer GPUs",
        ),
    ],
)
def test_what_does_not_divide_is_refused_before_the_load(
    config: dict[str, Any], gpus: int, asked: tuple[int | None, int | None], param: str, said: str
) -> None:
    with pytest.raises(InvalidRequest, match=said) as caught:
        parallel.sizes(*asked, gpus, parallel.shape_of(config))

    assert caught.value.param == param


def test_a_shape_is_read_from_the_configuration(tmp_path: Path) -> None:
    assert parallel.read_shape(tmp_path / "a.gguf") == parallel.NetworkShape()
    (tmp_path / "config.json").write_text("[]")
    assert parallel.read_shape(tmp_path) == parallel.NetworkShape()
    (tmp_path / "config.json").write_text(json.dumps(QWEN_7B))
    assert parallel.read_shape(tmp_path) == parallel.NetworkShape(28, 4, 28)


@pytest.mark.parametrize(
    ("gpus", "asked", "sizes", "share"),
    [
        (1, {}, (1, 1), 0.8079),
        (2, {}, (2, 1), 0.4329),  # the least that is free decides
        (2, {"tensor_parallel_size": 1}, (1, 1), 0.8079),
        (2, {"gpu_memory_utilization": 0.3}, (2, 1), 0.3),
    ],
)
def test_vllm_is_given_the_gpus_of_the_replica(
    gpus: int,
    asked: dict[str, Any],
    sizes: tuple[int, int],
    share: float,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA_8B))
    free = {"GPU-a": 7, "GPU-b": 4}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join([*free][:gpus]))
    monkeypatch.setattr(
        memory, "measure", lambda names: [Card((8, 9), 8_000_000_000, free[name] * 1_000_000_000) for name in names]
    )
    found = memory.placed(dict(asked), None, EngineSite(str(tmp_path), "cuda:0", {}, gpus=gpus))

    assert (found["tensor_parallel_size"], found["pipeline_parallel_size"]) == sizes
    assert found["gpu_memory_utilization"] == share


def test_a_model_that_does_not_divide_is_not_measured_for(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(QWEN_7B))
    site = EngineSite(str(tmp_path), "cuda:0", {}, gpus=8)
    with pytest.raises(InvalidRequest, match="the model's 28 attention heads"):
        memory.placed({"tensor_parallel_size": 8}, None, site)


@pytest.mark.parametrize(
    ("message", "code", "kind", "param"),
    [
        ("This model's maximum context length is 5 tokens. However, …", 400, ContextLengthExceeded, "messages"),
        ("the prompt is longer than max_model_len", 400, ContextLengthExceeded, "messages"),
        ("Grammar error: no (parameter=x, value=(y))", 400, InvalidRequest, "response_format"),
        ("temperature", 400, InvalidRequest, None),
        ("n must be 1 when using greedy sampling, got 2.", 400, InvalidRequest, "n"),
        ("nonsense must be", 400, InvalidRequest, None),
        ("Token id 99 is out of vocabulary", 400, InvalidRequest, "messages"),
        ("max_tokens must be at least 1, got -2.", 400, ContextLengthExceeded, "messages"),
        ("busy", 503, Overloaded, None),
        ("broken", 500, EngineFailure, None),
    ],
)
def test_errors_find_their_place_in_the_tree(
    message: str, code: int, kind: type[HeadraceError], param: str | None
) -> None:
    found = wire.refusal(wire.VllmRefusal(message, "SomeError", code), "messages", Constraint("json", {}))

    assert type(found) is kind
    assert found.param == param
    assert "parameter=" not in found.message
    assert kind is not ContextLengthExceeded or "maximum context length is" in found.message


def test_messages_carry_their_media_in_order() -> None:
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": "https://somewhere/one"}},
        {"type": "text", "text": "and"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}},
    ]
    turns = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]
    request = chat.Request.model_validate({"model": "m", "messages": turns, "seed": -1, "max_tokens": 9999})
    media = [Media("image", "image/png", b"one"), Media("audio", "audio/wav", b"two")]
    body = wire.chat_body(request, media, 512)

    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,b25l"}},
                {"type": "text", "text": "and"},
                {"type": "audio_url", "audio_url": {"url": "data:audio/wav;base64,dHdv"}},
            ],
        },
    ]
    assert 0 < body["seed"] < 1 << 63  # -1 would be vLLM's word for any
    assert body["max_completion_tokens"] == 512


def test_what_a_client_may_not_tell_the_template_is_named() -> None:
    turns = [{"role": "user", "content": "x"}]
    for extras in ({"tools": 1}, {"chat_template": "{{ 1 }}"}):
        request = chat.Request.model_validate({"model": "m", "messages": turns, "chat_template_kwargs": extras})
        with pytest.raises(InvalidRequest) as caught:
            wire.chat_body(request, [], 512)
        assert caught.value.param == "chat_template_kwargs"
