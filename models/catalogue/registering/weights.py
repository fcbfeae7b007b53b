"""The weights of a model that is registered, from how Xinference's users describe them. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from models.catalogue.entries import HubName, Place, Weights
from models.catalogue.registering.given import GivenPlace, GivenSpec
from models.engines import ModelType
from models.errors import InvalidRequest, UnsupportedParameter

ANY = "any"
"""The format of weights of which none is told: their files say it."""

_FORMATS = {"safetensors": "pytorch", "gguf": "ggufv2", "ggufv3": "ggufv2"}
_READ = ("pytorch", "gptq", "awq", "fp8", "fp4", "bnb", "ggufv2", "diffusers", "ct2", "onnx")
_WHILE_LOADING = ("4-bit", "8-bit", "4bit", "8bit")
"""Quantisations that Xinference makes while it loads; our engines make none."""
_SIZE = re.compile(r"\d{1,6}(?:\.\d{1,9})?")
_PART = re.compile(r"\d{5}-of-\d{5}")


@dataclass(slots=True)
class Made:
    """Weights that were made of specs, and ``left_out``: the paths of what of them is not served, and changes nothing
    of the rest."""

    weights: list[Weights] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def weights_of(specs: Sequence[GivenSpec], model_type: ModelType, *, listed: bool) -> Made:
    """The weights of all specs. ``listed``: they stand in ``model_specs``, not in the model itself.

    Raises InvalidRequest with the field at fault, UnsupportedParameter where none of them can be loaded.
    """
    made = Made()
    refused: UnsupportedParameter | None = None
    for number, spec in enumerate(specs):
        at = f"model_specs[{number}]" if listed else ""
        try:
            for one in _spec(spec, model_type, at, made.left_out):
                _add(made.weights, one)
        except UnsupportedParameter as error:
            refused = refused or error
            made.left_out.append(error.param or at)
    if not made.weights and refused is not None:
        raise refused
    return made


def _spec(spec: GivenSpec, model_type: ModelType, at: str, left_out: list[str]) -> Iterable[Weights]:
    written = _format(spec, model_type, at)
    names = _quantizations(spec, written, at, left_out)
    size = _size(spec.model_size_in_billions, at, "model_size_in_billions")
    activated = _size(spec.activated_size_in_billions, at, "activated_size_in_billions")
    uri = _uri(spec, names, at)
    engines = ("llama_cpp",) if written == "ggufv2" and model_type in ("LLM", "embedding", "rerank") else ()
    places = {} if uri else _places(spec, written, names, at, left_out)
    common = {"size": size, "activated": activated, "engines": engines}
    yield Weights(format=written, quantizations=names, uri=uri, **_hubs(places), **common)  # type: ignore[arg-type]
    yield from _networks(spec, places, model_type)


def _networks(spec: GivenSpec, places: dict[HubName, Place], model_type: ModelType) -> Iterable[Weights]:
    """The networks of pipelines in GGUF files, which have the other parts from the pipeline's own repository."""
    place = _blocks(spec).get("huggingface", spec)
    whole = places.get("huggingface")
    if whole is not None and place.gguf_model_id and place.gguf_quantizations and model_type in ("image", "video"):
        yield Weights(
            format="ggufv2",
            quantizations=tuple(place.gguf_quantizations),
            engines=("diffusers",),
            hf=Place(place.gguf_model_id, file=_template(place.gguf_model_file_name_template)),
            of=whole.repo,
        )


def _add(weights: list[Weights], one: Weights) -> None:
    """Add weights. Where they are the same as others, and on another hub, they are one."""
    for number, other in enumerate(weights):
        same = (other.size, other.format, other.quantizations) == (one.size, one.format, one.quantizations)
        if same and not one.uri and not other.uri and not {*one.places()} & {*other.places()}:
            both = {**_hubs(other.places()), **_hubs(one.places())}
            weights[number] = Weights(
                format=one.format,
                size=one.size,
                activated=one.activated,
                quantizations=one.quantizations,
                engines=one.engines,
                **both,  # type: ignore[arg-type]
            )
            return
    weights.append(one)


def _hubs(places: dict[HubName, Place]) -> dict[str, Place]:
    """Places by the names of the fields that they are in."""
    return {{"huggingface": "hf", "modelscope": "modelscope"}[hub]: place for hub, place in places.items()}


def _format(spec: GivenSpec, model_type: ModelType, at: str) -> str:
    """The catalogue's word for a format. Whole pipelines have one of their own."""
    if spec.model_format is None:
        lone = (spec.model_uri or "").lower().endswith((".safetensors", ".gguf"))
        return "diffusers" if model_type in ("image", "video") and not lone else ANY
    word = _FORMATS.get(spec.model_format.lower(), spec.model_format.lower())
    if word not in _READ:
        raise UnsupportedParameter(
            f"no engine here reads the format '{spec.model_format}': they read {', '.join(_READ)}",
            param=_at(at, "model_format"),
        )
    return "diffusers" if word == "pytorch" and model_type in ("image", "video") else word


def _quantizations(spec: GivenSpec, written: str, at: str, left_out: list[str]) -> tuple[str, ...]:
    blocks = [names for block in _blocks(spec).values() if (names := block.quantizations)]
    told = [spec.quantization] if spec.quantization else spec.quantizations or [one for some in blocks for one in some]
    if spec.quantization and spec.quantizations and spec.quantization not in spec.quantizations:
        raise InvalidRequest("give quantization or quantizations, not both", param=_at(at, "quantization"))
    lists = [spec.quantizations] if spec.quantizations else blocks
    doubled = next((one for some in lists for one in some if [x.lower() for x in some].count(one.lower()) > 1), None)
    if doubled is not None:
        raise InvalidRequest(f"the quantisation '{doubled}' is there twice", param=_at(at, "quantizations"))
    every = tuple(dict.fromkeys(told)) or ("none",)
    if written != "pytorch":
        return every
    kept = tuple(one for one in every if one.lower() not in _WHILE_LOADING)
    if not kept:
        raise UnsupportedParameter(
            f"weights are not quantised while they are loaded ({', '.join(every)}): give none, or weights that are "
            "quantised",
            param=_at(at, "quantization" if spec.quantization else "quantizations"),
        )
    if kept != every:
        left_out.append(_at(at, "quantizations"))
    return kept


def _size(told: str | int | float | None, at: str, name: str) -> float | None:
    """A size in billions; Xinference's users write 1_8 for 1.8."""
    if told is None:
        return None
    text = str(told).strip().lower().removesuffix("b").replace("_", ".")
    if not _SIZE.fullmatch(text) or not float(text):
        raise InvalidRequest(
            f"'{str(told)[:40]}' is no size: give billions of parameters, such as 7 or 0.5", param=_at(at, name)
        )
    return float(text)


def _uri(spec: GivenSpec, names: Sequence[str], at: str) -> str:
    """Where the weights are, if that is no hub. A folder of GGUF files is told with the name of its file."""
    uri = (spec.model_uri or "").strip()
    if not uri:
        return ""
    if spec.model_file_name_template and not uri.lower().endswith((".gguf", ".safetensors")):
        uri = f"{uri.rstrip('/')}/{spec.model_file_name_template}"
    if len(names) > 1 and "{quantization}" not in uri:
        raise InvalidRequest(
            f"{uri} is one place, and cannot be {' and '.join(names[:4])}: put {{quantization}} into it, or give "
            "model_file_name_template",
            param=_at(at, "model_uri"),
        )
    return uri


def _places(spec: GivenSpec, written: str, names: Sequence[str], at: str, left_out: list[str]) -> dict[HubName, Place]:
    blocks = _blocks(spec)
    if not blocks:
        if not spec.model_id:
            raise InvalidRequest("say where the weights are, by model_uri or model_id", param=_at(at, "model_uri"))
        blocks = {spec.model_hub or "huggingface": spec}
    found: dict[HubName, Place] = {}
    for hub, block in blocks.items():
        if hub != "huggingface" and hub != "modelscope":
            left_out.append(_at(at, f"model_src.{hub}" if spec.model_src else "model_hub"))
        elif not block.model_id:
            raise InvalidRequest("a repository needs its model_id", param=_at(at, f"model_src.{hub}.model_id"))
        else:
            found["modelscope" if hub == "modelscope" else "huggingface"] = _place(
                block, names, gguf=written == "ggufv2"
            )
    if not found:
        raise UnsupportedParameter(
            f"weights are fetched from huggingface or modelscope, not from '{next(iter(blocks))[:40]}'",
            param=left_out.pop(),
        )
    return found


def _place(block: GivenPlace, names: Sequence[str], *, gguf: bool) -> Place:
    assert block.model_id is not None  # as the caller found
    told = {name: parts for name, parts in (block.quantization_parts or {}).items() if all(map(_PART.fullmatch, parts))}
    parts = {name: len(one) for name, one in told.items()} if block.model_file_name_split_template else {}
    here = [one for one in names if one in (block.quantizations or names)]
    return Place(
        repo=block.model_id,
        revision=block.model_revision or "",
        file=_template(block.model_file_name_template) if gguf else "",
        split=(block.model_file_name_split_template or "") if parts else "",
        parts=parts,
        projector=_projector(block.multimodal_projectors or ()),
        quantizations=tuple(here) if len(here) < len(names) else (),
    )


def _blocks(spec: GivenSpec) -> dict[str, GivenPlace]:
    """The blocks of ``model_src``, by hub."""
    if spec.model_src is None:
        return {}
    hubs = ("huggingface", "modelscope", "openmind_hub", "csghub")
    return {hub: block for hub in hubs if (block := getattr(spec.model_src, hub)) is not None}


def _template(told: str | None) -> str:
    return told or "*{quantization}*.gguf"


def _projector(names: Iterable[str]) -> str:
    """The file that sees to take of several: in half precision."""
    return min(names, key=lambda one: ("f16" not in one.lower().replace("bf16", ""), one), default="")


def _at(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
