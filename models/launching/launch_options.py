"""Fields of a launch by Xinference's names: which ask for nothing, and what our engines call the others. Pure."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from models.engines import EngineFacts
from models.errors import UnsupportedParameter

INERT: dict[str, tuple[Any, ...]] = {
    "n_worker": (1,),
    "enable_virtual_env": (False,),
    "virtual_env_packages": ([],),
    "virtual_env_find_links": ([],),
}
"""Fields that no engine has, with the values that ask for nothing. Others are refused."""

_ADVICE = {
    "n_worker": "a replica is on one machine",
    "enable_virtual_env": "an engine has one environment for all its models",
    "virtual_env_packages": "an engine has one environment for all its models: install them there",
    "virtual_env_find_links": "an engine has one environment for all its models: install what it needs there",
}
_LORAS = {"vllm": "lora_modules", "diffusers": "loras"}
"""The option for adapters, a name and a path each, of the engines that have one."""


class Adapter(BaseModel):
    """An adapter, by which requests may call it, and where it lies."""

    lora_name: str = Field(min_length=1, max_length=200)
    local_path: str = Field(min_length=1, max_length=1000)


class Adapters(BaseModel):
    """Xinference's ``peft_model_config``."""

    model_config = ConfigDict(extra="forbid")

    lora_list: list[Adapter] = Field([], max_length=64)
    image_lora_load_kwargs: dict[str, Any] | None = None
    image_lora_fuse_kwargs: dict[str, Any] | None = None

    @field_validator("image_lora_load_kwargs", "image_lora_fuse_kwargs")
    @classmethod
    def _ask_for_nothing(cls, value: dict[str, Any] | None) -> None:
        """Refuse them with what there is instead."""
        if value:
            raise PydanticCustomError("adapters", "not supported: a request says how strong each adapter is (lora)")


def asks_for_nothing(name: str, value: Any) -> bool:
    """Whether a field that is no field of every launch need not be given."""
    return value is None or value in INERT.get(name, ())


def refuse_others(options: Mapping[str, Any]) -> None:
    """Raise UnsupportedParameter where a field of ``INERT`` asks for something."""
    for name in sorted(options.keys() & INERT.keys()):
        raise UnsupportedParameter(f"'{name}' is not supported: {_ADVICE.get(name, 'leave it out')}", param=name)


def adapted(
    options: Mapping[str, Any], engine: EngineFacts, adapters: Adapters | None, thinking: bool | None
) -> dict[str, Any]:
    """The options as this engine calls them. ``thinking``: whether the model thinks where a request does not say.

    Raises UnsupportedParameter for what the engine lacks.
    """
    found = dict(options)
    if engine.context is not None and "context_length" in found:
        length = found.pop("context_length")
        found.setdefault(engine.context[0], length)
    if adapters is not None and adapters.lora_list:
        option = _LORAS.get(engine.name)
        if option is None:
            raise UnsupportedParameter(f"the engine {engine.name} takes no adapters", param="peft_model_config")
        _default(found, option, {one.lora_name: one.local_path for one in adapters.lora_list})
    if thinking is not None and engine.name == "vllm":
        _default(found, "default_chat_template_kwargs", {"enable_thinking": thinking})
    elif thinking:  # Xinference's command line sends false for every model, also for those that cannot think
        raise UnsupportedParameter(
            f"the engine {engine.name} lets each request say whether its model thinks: leave 'enable_thinking' out",
            param="enable_thinking",
        )
    return found


def _default(options: dict[str, Any], name: str, entries: dict[str, Any]) -> None:
    """Add entries to an option that is an object. The engine itself refuses one that is something else."""
    given = options.get(name, {})
    options[name] = entries | given if isinstance(given, dict) else given
