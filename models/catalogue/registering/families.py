"""An entry of the catalogue from a model as its user describes it. Pure."""

import itertools
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec

from models.catalogue import is_shipped
from models.catalogue.checking import fault
from models.catalogue.entries import Family
from models.catalogue.names import named
from models.catalogue.registering.given import GivenModel
from models.catalogue.registering.weights import weights_of
from models.engines import MODEL_TYPES, ModelType
from models.errors import Conflict, InvalidRequest, ModelNotFound, UnsupportedParameter

_NO_NAME = re.compile(r"[\s/\\?%#&=+{}\x00-\x1f\x7f-\x9f]|\.\.|^[.-]")
_ABLE: dict[ModelType, tuple[str, ...]] = {
    "LLM": ("chat",),
    "embedding": ("embed",),
    "rerank": ("rerank",),
    "image": ("text2image",),
    "audio": (),
    "video": ("text2video",),
}
"""What a model can do that does not say it."""
_TAGS = {("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<seed:think>", "</seed:think>")}
"""Tags of thoughts that our engines know by themselves."""
_TEMPLATED = ("llama_cpp", "transformers", "vllm")
"""The engines whose option ``chat_template`` takes the place of the files' own."""
_FIXED = {"llama_cpp": ("stop_token_ids",)}
"""What of a description an engine has from the file alone."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A model that is to be registered: its entry, what was given, and the paths of what of that is left out."""

    family: Family
    given: Mapping[str, Any]
    left_out: tuple[str, ...] = field(default=())


def registered(given: GivenModel, shown: Mapping[str, Any], model_type: ModelType, kin: Family | None) -> Registered:
    """The entry for a model. ``shown``: what is kept of how it was given. ``kin``: the family that it names.

    Raises InvalidRequest with the field at fault, UnsupportedParameter for what would change answers, and is not
    honoured.
    """
    check_name(given.model_name, "model_name")
    _refuse_unhonoured(given, model_type)
    made = weights_of(given.specs, model_type, listed=given.model_specs is not None)
    family = Family(
        name=given.model_name,
        type=model_type,
        specs=tuple(made.weights),
        abilities=tuple(given.model_ability or _ABLE[model_type]),
        languages=tuple(given.model_lang or given.language or ()),
        context=given.context_length if model_type == "LLM" else given.max_tokens,
        dimensions=given.dimensions if model_type == "embedding" else None,
        options=_options(given, model_type, kin),
    )
    check(family, "model_specs")
    fixed = [name for one in family.specs for engine in one.engines for name in _FIXED.get(engine, ())]
    left_out = [*made.left_out, *(name for name in fixed if getattr(given, name)), *_without_effect(given)]
    return Registered(family, shown, tuple(dict.fromkeys(left_out)))


def in_own_form(given: Mapping[str, Any], model_type: ModelType) -> Registered:
    """The entry that is given as the catalogue's own data have it. Raises InvalidRequest."""
    try:
        family = msgspec.convert({"type": model_type, **given}, Family)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        raise InvalidRequest(what, param=where.strip(".`") or None) from error
    if family.type != model_type:
        raise InvalidRequest(f"its type is {family.type}, and the path says {model_type}", param="type")
    check_name(family.name, "name")
    check(family, "specs")
    return Registered(family, given)


def check(family: Family, param: str) -> None:
    """Raise InvalidRequest where an entry is not whole, or what it offers is not one thing to fetch."""
    if said := fault(family):
        raise InvalidRequest(f"'{family.name}' cannot be launched: {said}", param=param)


def check_name(name: str, param: str) -> None:
    """Raise InvalidRequest for what cannot be a model's name."""
    if not name or len(name) > 100 or _NO_NAME.search(name) or not name.isprintable():
        raise InvalidRequest(
            f"{name[:100]!a} cannot be a model's name: give 1 to 100 characters that begin with a letter or a digit, "
            "without blanks, '..' and any of / \\ ? % # & = + { }",
            param=param,
        )


def refuse_taken(name: str, param: str) -> None:
    """Raise Conflict where a launch of this name means a model of the catalogue."""
    known = name if is_shipped(name) else None
    if known is None:
        with suppress(ModelNotFound):
            known = named(name).family.name
    if known is not None:
        means = "" if known == name else f", where it means '{known}'"
        raise Conflict(f"the catalogue has the name '{name}'{means}: give another", param=param)


def free_name(name: str, registered: Collection[str]) -> str:
    """This name, or one like it, under which a model can be registered. ``registered``: names that others have."""
    ends = itertools.chain(("", "-local"), (f"-local-{number}" for number in itertools.count(2)))
    return next(one for end in ends if _is_free(one := f"{name[:80]}{end}" if end else name, registered))


def _is_free(name: str, registered: Collection[str]) -> bool:
    try:
        refuse_taken(name, "model_name")
    except Conflict:
        return False
    return name not in registered


def type_named(text: str) -> ModelType:
    """The type of model of this name, case ignored. Raises InvalidRequest."""
    found = next((one for one in MODEL_TYPES if one.lower() == text.lower()), None)
    if found is None:
        raise InvalidRequest(f"there is no type '{text[:40]}'; there are {', '.join(MODEL_TYPES)}", param="model_type")
    return found


def _refuse_unhonoured(given: GivenModel, model_type: ModelType) -> None:
    """Raise UnsupportedParameter for what would change a model's answers, and no engine here does."""
    of_text = {"chat_template": given.chat_template, "stop": given.stop, "stop_token_ids": given.stop_token_ids}
    asked = next((name for name, value in of_text.items() if value and model_type != "LLM"), None)
    if asked is not None:
        raise UnsupportedParameter(f"models of type {model_type} have no {asked}: leave it out", param=asked)
    if given.controlnet:
        raise UnsupportedParameter(
            "a ControlNet is named at the launch, by the option controlnet: leave it out", param="controlnet"
        )
    tags = (given.reasoning_start_tag or "", given.reasoning_end_tag or "")
    if any(tags) and tags not in _TAGS:
        raise UnsupportedParameter(
            "the tags of thoughts are found in the chat template, or named at the launch by the option "
            "reasoning_format: leave them out",
            param="reasoning_start_tag",
        )


def _options(given: GivenModel, model_type: ModelType, kin: Family | None) -> dict[str, dict[str, Any]]:
    """What the model needs on an engine: what its family needs there, and what was said of it."""
    options = {engine: dict(some) for engine, some in (kin.options if kin is not None else {}).items()}
    if model_type == "LLM":
        said = {"chat_template": given.chat_template, "stop": given.stop, "stop_token_ids": given.stop_token_ids}
        for engine in _TEMPLATED:
            given_to = {name: value for name, value in said.items() if value and name not in _FIXED.get(engine, ())}
            options.setdefault(engine, {}).update(given_to)
    if model_type in ("embedding", "rerank") and given.max_tokens:
        options.setdefault("sentence_transformers", {})["max_length"] = given.max_tokens
    if (defaults := given.default_generate_config) is not None and model_type in ("image", "video"):
        drawn = {"default_steps": defaults.num_inference_steps, "default_guidance": defaults.guidance_scale}
        options.setdefault("diffusers", {}).update({name: value for name, value in drawn.items() if value is not None})
    return {engine: some for engine, some in options.items() if some}


def _without_effect(given: GivenModel) -> list[str]:
    """What is given, and changes nothing here."""
    names = [
        name for name in ("default_model_config", "default_transcription_config", "tool_parser") if getattr(given, name)
    ]
    packages = given.virtualenv is not None and given.virtualenv.packages
    return [*names, *(["virtualenv.packages"] if packages else [])]
