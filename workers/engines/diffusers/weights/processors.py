"""The processors of pipelines that see, such as Qwen-Image-Edit, also where torchvision is not installed."""

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import transformers

from models.errors import InvalidRequest
from workers.engines.media.processors import without_videos

_ONLY_WITH_TORCHVISION = ("OmniGenPipeline",)
"""Pipelines of diffusers that break without torchvision, and do not say why."""


def refuse_lacking(pipeline: str) -> None:
    """Raise InvalidRequest for a pipeline that needs torchvision where that is not installed."""
    if pipeline in _ONLY_WITH_TORCHVISION and importlib.util.find_spec("torchvision") is None:
        raise InvalidRequest(
            f"the pipeline {pipeline} needs torchvision: install the build that fits this PyTorch, beside the engine",
            param="model_path",
        )


def processors_of(folder: Path, parts: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Those of a pipeline's processors that can be opened only without their part for videos, by their names.

    ``parts``: the library and the class of each part. Raises InvalidRequest for one that cannot be opened at all.
    """
    return {
        name: opened
        for name, (library, cls) in parts.items()
        if library == "transformers" and re.search(r"(?<!Image)(?<!Video)Processor$", cls) and (folder / name).is_dir()
        if (opened := _unless_whole(getattr(transformers, cls, None), folder / name)) is not None
    }


def _unless_whole(cls: Any, folder: Path) -> Any:
    """The processor with a stand-in for what it lacks; None where diffusers can open it by itself."""
    where = {"local_files_only": True}
    try:
        cls.from_pretrained(folder, **where)
    except (ImportError, ValueError, OSError) as error:
        whole = isinstance(cls, type) and issubclass(cls, transformers.ProcessorMixin)
        return without_videos(cls if whole else None, folder, where, error)
    return None
