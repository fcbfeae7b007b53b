"""Opens what a launch puts beside a pipeline: a ControlNet, and LoRAs."""

import json
import re
from pathlib import Path
from typing import Any

import diffusers
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from models.errors import InvalidRequest
from models.launching import hub


def _local(source: str, param: str) -> Path:
    parsed = hub.parse(source)
    path = Path(parsed.name)
    if parsed.kind != "path" or not path.exists():
        raise InvalidRequest(f"'{param}' must be a path on this machine, and exist: {source}", param=param)
    return path


def controlnet(source: str, dtype: torch.dtype) -> Any:
    """The ControlNet in this folder. Raises InvalidRequest."""
    folder = _local(source, "controlnet")
    try:
        name = json.loads((folder / "config.json").read_bytes())["_class_name"]
        if not re.fullmatch(r"[A-Za-z0-9]*ControlNet[A-Za-z]*Model", name):
            raise InvalidRequest(f"{folder} holds a {name}, not a ControlNet", param="controlnet")
        return getattr(diffusers, name).from_pretrained(folder, dtype=dtype, use_safetensors=True)
    except (OSError, ValueError, KeyError, AttributeError, SafetensorError) as error:
        raise InvalidRequest(f"cannot load the ControlNet {folder}: {error}", param="controlnet") from error


def add_lora(base: Any, name: str, source: str) -> None:
    """Load a LoRA into a pipeline, under this name: a file, or a folder of one. Raises InvalidRequest.

    For a pipeline of two networks, as Wan 2.2's, a folder may have a file for each: for high noise, and for low noise.
    """
    path = _local(source, "loras")
    files = sorted(path.glob("*.safetensors")) if path.is_dir() else [path]
    if len(files) == 2 and getattr(base, "transformer_2", None) is not None:
        files.sort(key=lambda file: "low" in file.name.lower())
        if ["low" in file.name.lower() for file in files] != [False, True]:
            raise InvalidRequest(f"one of the two files in {path} must be for 'low' noise, by its name", param="loras")
    elif len(files) != 1:
        raise InvalidRequest(f"{path} holds {len(files)} safetensors: name one", param="loras")
    if not hasattr(base, "load_lora_weights"):
        raise InvalidRequest("this model takes no LoRA", param="loras")
    for file, where in zip(files, ({}, {"load_into_transformer_2": True}), strict=False):
        try:
            base.load_lora_weights(load_file(file), adapter_name=name, **where)
        except (OSError, SafetensorError, ValueError, KeyError, RuntimeError) as error:
            raise InvalidRequest(f"cannot load the LoRA {file}: {error}", param="loras") from error
