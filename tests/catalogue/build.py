"""Make the catalogue's data, ``models/catalogue/families/*.jsonl``: ``python -m tests.catalogue.build FACTS``.

FACTS is a folder with ``facts.jsonl``, a family a line, and ``engine_facts.json``, what engines need to know of them.
"""

import json
import re
import sys
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from models.catalogue.entries import Family, Place, Weights
from models.engines import MODEL_TYPES
from tests.catalogue.runnable import engines_of, unserved
from tests.catalogue.typed import TYPED

FAMILIES = Path(__file__).parents[2] / "models" / "catalogue" / "families"

_LANGUAGE = re.compile(r"[a-z]{2,3}|multilingual")
_SHORT = {
    "eng": "en",
    "zho": "zh",
    "deu": "de",
    "fra": "fr",
    "ita": "it",
    "spa": "es",
    "por": "pt",
    "jpn": "ja",
    "kor": "ko",
    "rus": "ru",
    "ara": "ar",
    "hin": "hi",
    "nld": "nl",
    "tha": "th",
    "vie": "vi",
    "pol": "pl",
    "tur": "tr",
    "ukr": "uk",
    "ind": "id",
    "fas": "fa",
    "heb": "he",
    "ces": "cs",
    "dan": "da",
    "fin": "fi",
    "ell": "el",
    "hun": "hu",
    "ron": "ro",
    "swe": "sv",
    "bul": "bg",
    "cat": "ca",
    "est": "et",
    "hrv": "hr",
}
_TUNED = re.compile(r"(?<![a-z])(instruct|chat|it)(?![a-z])")
_SIZE = re.compile(r"(?<![A-Za-z0-9.])(\d+(?:\.\d+)?)[bB](?![A-Za-z0-9])")
_CODE_NAMES = ("go", "php", "sql", "css")
_VLLM_OPTIONS = ("tokenizer_mode", "chat_template_content_format", "config_format", "load_format")


def main(folder: Path) -> None:
    """Write the files, one a model type."""
    facts = [json.loads(line) for line in (folder / "facts.jsonl").read_text("utf-8").splitlines()]
    more = json.loads((folder / "engine_facts.json").read_text("utf-8"))
    names = frozenset(one["name"].lower() for one in facts)
    FAMILIES.mkdir(exist_ok=True)
    for model_type in MODEL_TYPES:
        made = [family_of(one, more, names) for one in facts if one["type"] == model_type]
        lines = [msgspec.json.encode(one) for one in made if one.specs]
        (FAMILIES / f"{model_type}.jsonl").write_bytes(b"\n".join(lines) + b"\n")
        print(f"{model_type}: {len(lines)}")


def family_of(facts: Mapping[str, Any], more: Mapping[str, Any], names: Collection[str]) -> Family:
    """The entry of a family. ``names`` are those of all families, in small letters."""
    known = more.get(facts["type"].lower(), {}).get(facts["name"], {})
    abilities = _abilities(facts, names)
    told = [one for one in facts["specs"] if facts["type"] != "LLM" or "chat" in abilities or not _is_tuned(one)]
    if not told:  # it is tuned, whatever its name says
        told, abilities = facts["specs"], ["chat", *abilities]
    specs = single(made for one in told if (made := weights_of(facts, one, known)) is not None)
    licence, typed = facts.get("licence") or (), TYPED.get(facts["name"], ())
    engines = {name for one in specs for name in one.engines}
    languages = (_SHORT.get(one.lower(), one.lower()) for one in facts.get("languages", []))
    return Family(
        name=facts["name"],
        type=facts["type"],
        specs=specs,
        abilities=_unique(abilities),
        languages=_unique(one for one in languages if _LANGUAGE.fullmatch(one) and one not in _CODE_NAMES),
        context=facts.get("context_length") or facts.get("max_tokens"),
        dimensions=facts.get("dimensions"),
        licences=(licence,) if isinstance(licence, str) else tuple(licence),
        aliases=_unique(one for one in (*facts.get("aliases", []), *typed) if one.lower() not in names),
        options={name: found for name in sorted(engines) if (found := _options(name, facts, known))},
        unserved=unserved(facts, bool(engines)),
    )


def weights_of(family: Mapping[str, Any], spec: Mapping[str, Any], known: Mapping[str, Any]) -> Weights | None:
    """The weights of one size and format; None where nothing of them can be fetched as they are told."""
    gguf = spec["format"] == "ggufv2"
    hf = _place(spec.get("hf"), {}, gguf=gguf)
    modelscope = _place(spec.get("modelscope"), spec.get("hf", {}), gguf=gguf)
    numbered = {} if hf is None else hf.parts
    broken = {name for name, parts in spec.get("hf", {}).get("parts", {}).items() if not _numbered(parts)}
    quantizations = _unique(one for one in [*spec["quantizations"], *numbered] if one not in broken)
    if spec.get("doubtful") or not quantizations or (hf is None and modelscope is None):
        return None
    engines, code = engines_of(family, spec, known)
    activated = spec.get("activated_size")
    return Weights(
        format=_format(spec, engines),
        size=_size(spec, counted=family["type"] != "LLM"),
        activated=float(activated) if isinstance(activated, int | float) else None,
        quantizations=quantizations,
        engines=engines,
        code=code,
        hf=hf,
        modelscope=modelscope,
        of=_whole(family) if spec.get("part") else "",
    )


def _format(spec: Mapping[str, Any], engines: Collection[str]) -> str:
    """The format by Xinference's word, of whole pipelines by ours: for them it has none."""
    if spec["format"] != "safetensors":
        return str(spec["format"])
    return "diffusers" if "diffusers" in engines else "pytorch"


def _size(spec: Mapping[str, Any], *, counted: bool) -> float | None:
    """Billions of parameters: as told, or as the name of the repository says where that is a count, rounded."""
    told = spec.get("size_in_billions")
    found = _SIZE.search((spec.get("hf") or spec["modelscope"])["repo"])
    said = float(found[1]) if found else None
    if told is None or (counted and said is not None and abs(said - told) < 0.06 * told):
        return said
    return float(f"{told:.3g}")


def single(specs: Iterable[Weights]) -> tuple[Weights, ...]:
    """The weights without those that have the size, format and quantisation of earlier ones, whatever their case.

    Weights of unknown size beside others of the same format could not be asked for.
    """
    taken: set[tuple[float | None, str, str]] = set()
    kept: list[Weights] = []
    for one in sorted(specs, key=lambda one: one.size is None):
        if one.size is None and any(other.format == one.format and other.size is not None for other in kept):
            continue
        names = tuple(name for name in one.quantizations if (one.size, one.format, name.lower()) not in taken)
        taken |= {(one.size, one.format, name.lower()) for name in names}
        if names:
            kept.append(msgspec.structs.replace(one, quantizations=names))
    return tuple(kept)


def _place(told: Mapping[str, Any] | None, usual: Mapping[str, Any], *, gguf: bool) -> Place | None:
    """A place on a hub. ``usual``: what holds of it where nothing else is told."""
    if told is None:
        return None
    said = {**usual, **told} if gguf else told
    parts = {name: _count(parts) for name, parts in said.get("parts", {}).items() if _numbered(parts)}
    file = said.get("file_template") or said.get("file_glob") or ""
    if gguf and not file and not said.get("split_template"):
        file = "*{quantization}*.gguf"
    return Place(
        repo=told["repo"],
        revision=told.get("revision", ""),
        file=file if gguf else "",
        split=said.get("split_template", "") if parts else "",
        parts=parts,
        projector=_projector(said.get("projectors", [])),
        quantizations=tuple(told.get("quantizations", ())),
    )


def _numbered(parts: Any) -> bool:
    """Whether a file is in parts as llama.cpp writes them, and not cut up as it came."""
    return isinstance(parts, int) or (bool(parts) and all(re.fullmatch(r"\d{5}-of-\d{5}", str(one)) for one in parts))


def _count(parts: Any) -> int:
    return parts if isinstance(parts, int) else len(parts)


def _projector(names: Iterable[str]) -> str:
    """The projector to take of several: in half precision."""
    return min(names, key=lambda one: ("f16" not in one.lower().replace("bf16", ""), one), default="")


def _whole(family: Mapping[str, Any]) -> str:
    """The repository of the whole pipeline of a family."""
    return next(str(one["hf"]["repo"]) for one in family["specs"] if "hf" in one and not one.get("part"))


def _abilities(facts: Mapping[str, Any], names: Collection[str]) -> list[str]:
    """What a family can do, in Xinference's words. A family beside one that is tuned for chats writes on alone."""
    usual = {"embedding": ["embed"], "rerank": ["rerank"]}.get(facts["type"], [])
    if facts["type"] == "image" and not facts.get("abilities"):
        usual = ["text2image"]
    told = [one for one in facts.get("abilities", []) if one not in ("multimodal", "video", "embed")]
    name = facts["name"].lower()
    if facts["type"] == "LLM" and _TUNED.search(name):
        told = ["chat", *told]
    elif {f"{name}-instruct", f"{name}-chat", f"{name}-it"} & {*names} and not facts["origin"].startswith("xinference"):
        told = ["generate", *(one for one in told if one != "chat")]
    return [*told, *usual, *(name for name in ("tools", "reasoning", "hybrid", "vision", "audio") if facts.get(name))]


def _is_tuned(spec: Mapping[str, Any]) -> bool:
    """Whether weights are of a model that is tuned for chats, as the name of their repository says."""
    return bool(_TUNED.search((spec.get("hf") or spec["modelscope"])["repo"].lower()))


def _options(engine: str, facts: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """What a family needs on an engine, by the engine's own names."""
    match engine:
        case "vllm":
            parsers = {name: known[name]["value"] for name in ("tool_call_parser", "reasoning_parser") if name in known}
            told = {name: known.get("vllm", {}).get(name, {}).get("values", []) for name in _VLLM_OPTIONS}
            return parsers | {name: values[0] for name, values in told.items() if len(values) == 1}
        case "sentence_transformers" if facts["type"] == "embedding":
            return {"prompts": known["prompts"]} if known.get("prompts") else {}
        case "diffusers":
            return _drawing(known)
    return {}


def _drawing(known: Mapping[str, Any]) -> dict[str, Any]:
    """Size, steps and guidance that are advised for a pipeline, where they are."""
    advised, used = known.get("recommended", {}), known.get("xinference_generate", {})
    found = {
        "default_size": known.get("default_size") if advised or used else None,
        "default_steps": advised.get("steps", used.get("num_inference_steps")),
        "default_guidance": advised.get("true_cfg", advised.get("guidance", used.get("guidance_scale"))),
    }
    if "true_cfg_scale" in used:
        found["default_guidance"] = advised.get("true_cfg", used["true_cfg_scale"])
    return {name: value for name, value in found.items() if value is not None}


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


if __name__ == "__main__":
    assert len(sys.argv) == 2, __doc__
    main(Path(sys.argv[1]))
