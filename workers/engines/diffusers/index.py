"""Reads ``model_index.json``, the list of a pipeline's parts, and refuses code that is not diffusers' own."""

import importlib.util
import inspect
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import diffusers
from diffusers.utils import BaseOutput

from models.errors import InvalidRequest

_LIBRARIES = ("diffusers", "transformers")


def read_index(folder: Path, *, trusted: bool) -> dict[str, Any]:
    """The content of ``model_index.json``. Raises InvalidRequest for a model with code that is not ``trusted``.

    diffusers would run any code that lies in the folder. Its own pipelines bring classes too, such as the safety
    checker of Stable Diffusion: ``["stable_diffusion", "StableDiffusionSafetyChecker"]`` is no code of the model.
    """
    try:
        index: dict[str, Any] = json.loads((folder / "model_index.json").read_bytes())
        parts = parts_of(index)
    except (OSError, ValueError, AttributeError) as error:
        raise InvalidRequest(f"{folder} is not a diffusers pipeline: {error}", param="model_path") from None
    foreign = {library for library, name in parts.values() if not _is_own(library, name)}
    code = sorted(foreign) or sorted(one.name for one in folder.rglob("*.py"))
    if (code or not isinstance(index.get("_class_name"), str)) and not trusted:
        raise InvalidRequest(
            f"the model brings code of its own ({', '.join(code)}); that needs trust_remote_code",
            param="trust_remote_code",
        )
    return index


def parts_of(index: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The parts of a pipeline that are loaded, by their names: the library and the class of each.

    A part is a pair of names; other lists are values, such as the layers of a text encoder that are read.
    """
    pairs = {name: tuple(value) for name, value in index.items() if isinstance(value, list) and len(value) == 2}
    named = {name: pair for name, pair in pairs.items() if any(isinstance(one, str) for one in pair)}
    return {name: (str(library), str(cls)) for name, (library, cls) in named.items()}


def _is_own(library: str, name: str) -> bool:
    """Whether diffusers would take this class from itself or from transformers."""
    if library in _LIBRARIES:
        return True
    module = _pipeline_module(library)
    if module is None:
        return False
    found = getattr(module, name, None)
    return found is None or (inspect.isclass(found) and found.__module__.startswith(_LIBRARIES))


def _pipeline_module(library: str) -> ModuleType | None:
    """The package of diffusers' own pipelines that an index calls so.

    diffusers looks for it in ``diffusers.pipelines``, where those that it moved to ``deprecated`` are missing: such a
    one is put there.
    """
    if not library.isidentifier():
        return None
    module = getattr(diffusers.pipelines, library, None)
    for name in (f"diffusers.pipelines.{library}", f"diffusers.pipelines.deprecated.{library}"):
        if module is None and importlib.util.find_spec(name) is not None:
            module = importlib.import_module(name)
            setattr(diffusers.pipelines, library, module)
    own = isinstance(module, ModuleType) and module.__name__.startswith("diffusers.pipelines.")
    return module if own else None


def made_by(cls: Any) -> set[str]:
    """The fields of the outputs that a pipeline's code names; empty for one that calls others."""
    call = inspect.unwrap(cls.__call__)
    if not inspect.isfunction(call):  # the class cannot be called
        return set()
    named = [call.__globals__.get(name) for name in call.__code__.co_names]
    outputs: list[Any] = [one for one in named if inspect.isclass(one) and issubclass(one, BaseOutput)]
    return {field for one in outputs for field in one.__dataclass_fields__}
