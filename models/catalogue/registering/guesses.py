"""A description of weights, guessed from what a look at them shows: what a user would have to write. Pure."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from models.engines import FACTS, ModelType
from models.launching import hub
from models.launching.about import about
from models.launching.engine_choice import formats_of
from models.launching.peek import Peek

_QUANTIZATION = re.compile(r"(?i)(?:^|[-._])((?:UD-)?(?:I?Q\d[A-Z0-9_]*|BF16|F16|F32|FP16))(?=$|[-._])")
_SIZE = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)([bBmM])(?![A-Za-z0-9])")
_PART = re.compile(r"-(\d{5})-of-\d{5}$")
_NOT_IN_NAMES = re.compile(r"[^\w.:@-]+")
_METHODS = ("awq", "gptq", "fp8")
_UNBOUNDED = (1 << 31) - 1
_SMALLEST = 100_000
"""The fewest parameters that are told as a size."""


def guess(
    source: str, seen: Peek, engine: str, model_type: ModelType, numbers: int | None, name: str | None
) -> dict[str, Any]:
    """The weights at ``source`` in Xinference's form. ``numbers``: how many parameters were counted, None: not known.

    ``name``: what the model is to be called; else what the weights are.
    """
    option = FACTS[engine].context
    asked = {option[0]: _UNBOUNDED} if option is not None and engine != "sentence_transformers" else {}
    known = about(engine, model_type, seen, asked)
    context = known.context_length if known.context_length != _UNBOUNDED else None
    called = name or _called(source)
    common: dict[str, Any] = {"version": 2, "model_name": called, "model_family": known.family}
    where = _where(source)
    told: dict[str, Any]
    match model_type:
        case "LLM":
            told = {"context_length": context, "model_ability": known.abilities}
        case "embedding":
            told = {"dimensions": known.dimensions, "max_tokens": context}
        case "rerank":
            told = {"type": "normal", "max_tokens": context}
        case _:
            return _said(common | {"model_ability": known.abilities} | where)
    size = _size(source, seen, numbers)
    specs = [_said({"model_size_in_billions": size} | one) for one in _specs(source, seen, where)]
    return _said(common | told) | {"model_specs": specs}


def _specs(source: str, seen: Peek, where: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The weights by their quantisations: GGUF files in a folder are one each."""
    written = formats_of(seen)[:1]
    if written != ("gguf",):
        return [{"model_format": _format(seen), "quantization": _bits(seen), **where}]
    if seen.single:
        return [{"model_format": "ggufv2", "quantization": _quantization(seen.files[0]), **where}]
    files: dict[str, str] = {}
    for file in seen.ggufs:
        part = _PART.search(PurePosixPath(file).stem)
        if part is None or part[1] == "00001":
            files.setdefault(_quantization(file), file)
    return [
        {"model_format": "ggufv2", "quantization": one, **_file(source, where, file)} for one, file in files.items()
    ]


def _file(source: str, where: Mapping[str, Any], file: str) -> dict[str, Any]:
    if "model_id" in where:
        return {**where, "model_file_name_template": file}
    return {"model_uri": f"{_where(source)['model_uri'].rstrip('/')}/{file}"}


def _where(source: str) -> dict[str, Any]:
    """A place by Xinference's fields."""
    parsed = hub.parse(source)
    if parsed.kind in ("huggingface", "modelscope") and not parsed.file:
        return _said({"model_id": parsed.name, "model_hub": parsed.kind, "model_revision": parsed.revision})
    return {"model_uri": f"file://{parsed.name}" if source.startswith("/") else source}


def _called(source: str) -> str:
    """What a model is called by its weights: without the quantisation of its file."""
    parsed = hub.parse(source)
    text = hub.name_of(PurePosixPath(parsed.file or parsed.name))
    text = _PART.sub("", text)
    if found := _QUANTIZATION.search(text):
        text = text[: found.start()] + text[found.end() :]
    return _NOT_IN_NAMES.sub("-", text).strip("-._")[:100] or "model"


def _quantization(file: str) -> str:
    """The quantisation that a file's name says."""
    found = _QUANTIZATION.search(_PART.sub("", PurePosixPath(file).stem))
    return found[1] if found else "none"


def _method(seen: Peek) -> Mapping[str, Any]:
    told = seen.documents.get("config.json", {}).get("quantization_config")
    return told if isinstance(told, dict) else {}


def _format(seen: Peek) -> str:
    method = str(_method(seen).get("quant_method", "")).lower()
    return method if method in _METHODS else "pytorch"


def _bits(seen: Peek) -> str:
    bits = _method(seen).get("bits")
    return f"Int{bits}" if bits in (2, 3, 4, 8) else "none"


def _size(source: str, seen: Peek, numbers: int | None) -> float | None:
    """Billions of parameters: as the name says; else as they were counted, but where they are packed."""
    label = seen.header.get("general.size_label")
    for text in (hub.name_of(PurePosixPath(hub.parse(source).name)), label if isinstance(label, str) else ""):
        if found := _SIZE.search(text):
            return float(found[1]) / (1000 if found[2] in "mM" else 1)
    packed = _format(seen) in ("awq", "gptq")
    if not numbers or packed:
        return None
    return float(f"{numbers / 1e9:.3g}") if numbers >= _SMALLEST else None  # fewer would be written with an exponent


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, [], "")}
