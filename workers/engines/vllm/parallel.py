"""How vLLM divides a model among GPUs: pure decisions over what its ``config.json`` says.

Tensor parallelism gives each GPU some of the attention heads of every layer, pipeline parallelism some of the layers.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.errors import InvalidRequest

_HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads")
_KV_HEADS = ("num_key_value_heads", "n_head_kv", "num_kv_heads")
_LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_TEXT = ("text_config", "llm_config", "language_config")
"""Where the configuration of a model that sees or hears has that of its language model."""


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """A model's numbers; None where its configuration does not say one, and vLLM itself must find out."""

    heads: int | None = None
    kv_heads: int | None = None
    layers: int | None = None


def read_shape(source: Path) -> NetworkShape:
    """The shape of the model in this folder; of a GGUF file nothing is known."""
    try:
        config = json.loads((source / "config.json").read_bytes())
    except (OSError, ValueError):
        return NetworkShape()
    return shape_of(config) if isinstance(config, dict) else NetworkShape()


def shape_of(config: Mapping[str, Any]) -> NetworkShape:
    """The shape that a configuration describes. Latent attention (MLA) keeps no heads of keys and values."""
    text = next((config[name] for name in _TEXT if isinstance(config.get(name), dict)), config)
    kv_heads = None if text.get("kv_lora_rank") else _number(text, _KV_HEADS)
    return NetworkShape(_number(text, _HEADS), kv_heads, _number(text, _LAYERS))


def _number(config: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    found = next((config[name] for name in names if name in config), None)
    return found if isinstance(found, int) and found > 0 else None


def sizes(tensor: int | None, pipeline: int | None, gpus: int, shape: NetworkShape) -> tuple[int, int]:
    """The tensor and the pipeline parallel size: as asked for, else what uses all GPUs, with the largest tensor size.

    Raises InvalidRequest, with the parameter at fault, where the model cannot be divided so, or there are too few GPUs.
    """
    gpus = max(1, gpus)
    param = _blamed(tensor, pipeline)
    if tensor is None and pipeline is None:
        fitting = _fitting(gpus, shape)
        if fitting is None:
            both = f"{_wrong(gpus, 1, shape)}, and {_wrong(1, gpus, shape)}"
            raise InvalidRequest(f"{both}: ask for fewer GPUs", param=param)
        return fitting
    for name, asked in (("tensor_parallel_size", tensor), ("pipeline_parallel_size", pipeline)):
        if asked is not None and asked < 1:
            raise InvalidRequest(f"'{name}' must be at least 1", param=name)
    stages = pipeline or 1
    size = tensor or max(1, gpus // stages)
    if size * stages > gpus:
        raise InvalidRequest(f"{size} times {stages} GPUs are asked for, the replica has {gpus}", param=param)
    if wrong := _wrong(size, 1, shape):
        raise InvalidRequest(f"{wrong}{_advice(size * stages, shape)}", param=param)
    if wrong := _wrong(1, stages, shape):
        raise InvalidRequest(wrong, param="pipeline_parallel_size")
    return size, stages


def _blamed(tensor: int | None, pipeline: int | None) -> str:
    """What of the launch to change where the model cannot be divided."""
    if tensor is not None and tensor != 1:
        return "tensor_parallel_size"
    return "n_gpu" if pipeline is None else "pipeline_parallel_size"


def _fitting(gpus: int, shape: NetworkShape) -> tuple[int, int] | None:
    """The largest tensor parallel size that, with a pipeline, uses so many GPUs; None where there is none."""
    possible = ((size, gpus // size) for size in range(gpus, 0, -1) if gpus % size == 0)
    return next((one for one in possible if not _wrong(*one, shape)), None)


def _wrong(tensor: int, pipeline: int, shape: NetworkShape) -> str:
    """Why the model cannot be divided so; empty where it can. vLLM copies heads of keys where there are too few."""
    if shape.heads and shape.heads % tensor:
        return f"the model's {shape.heads} attention heads cannot be divided by a tensor_parallel_size of {tensor}"
    kv_heads = shape.kv_heads or 1
    if max(kv_heads, tensor) % min(kv_heads, tensor):
        return f"the model's {kv_heads} key and value heads do not go into a tensor_parallel_size of {tensor}"
    if shape.layers and shape.layers < pipeline:
        return f"the model's {shape.layers} layers are too few for a pipeline_parallel_size of {pipeline}"
    return ""


def _advice(gpus: int, shape: NetworkShape) -> str:
    fitting = _fitting(gpus, shape)
    if fitting is None:
        return ""
    return f"; a tensor_parallel_size of {fitting[0]} and a pipeline_parallel_size of {fitting[1]} would do"
