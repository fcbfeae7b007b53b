"""The samplers that a pipeline can be run with, and a fresh one for each drawing."""

import inspect
from collections.abc import Mapping
from typing import Any

import diffusers
from diffusers.schedulers.scheduling_utils import KarrasDiffusionSchedulers

from models.errors import InvalidRequest
from models.modalities import samplers
from models.modalities.samplers import Sampler

_FLOW = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
_ONLY_OWN = ("LatentConsistencyModel", "SanaSprint", "Kandinsky", "StableCascade", "IF")
"""Beginnings of the names of pipelines that are run with their own sampler alone: they leave out what others need.

DeepFloyd IF's network foretells the variance, too, which its own sampler alone reads.
"""
_OTHER_SIGMAS = ("use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")


class Samplers:
    """The model's own scheduler, and those that may take its place.

    ``own``: the model's; None for a pipeline of several parts that keeps its own. ``given``: options that are put into
    the model's own, where the checkpoint needs them. ``name`` is the own sampler's.
    """

    def __init__(self, base: Any, given: Mapping[str, Any], preferred: str) -> None:
        self.own: Any = getattr(base, "scheduler", None)
        self._given = dict(given)
        self._only_own = type(base).__name__.startswith(_ONLY_OWN)
        self._leaves_sigmas = _leaves_sigmas(type(base))
        self._preferred = preferred if self.own is not None and preferred and self._fits(_named(preferred)) else ""
        config = {} if self.own is None else dict(self.own.config) | self._given
        self.name = self._preferred or samplers.name_of(type(self.own).__name__, config)
        self.flow = type(self.own).__name__.startswith("FlowMatch")

    def refuse(self, name: str, *, param: str, redraws: bool = False) -> None:
        """Raise InvalidRequest where the model cannot be run with this sampler. ``redraws``: from a noisy image."""
        sampler = _named(name)
        if not self._fits(sampler):
            fitting = ", ".join(one.name for one in samplers.SAMPLERS if self._fits(one)) or f"its own, {self.name}"
            raise InvalidRequest(f"this model cannot be sampled with '{name}'; it takes {fitting}", param=param)
        if redraws and self.flow and not self._is_own(sampler):
            raise InvalidRequest(f"with an 'image' this model is sampled with '{self.name}' alone", param=param)

    def fresh(self, name: str) -> Any:
        """A new scheduler, since one keeps state from step to step; ``name`` is empty for the model's own."""
        sampler = _named(name or self._preferred) if name or self._preferred else None
        if sampler is None or self._is_own(sampler):
            return type(self.own).from_config(self.own.config, **self._given)
        cls = getattr(diffusers, sampler.scheduler)
        if not self.flow:
            return cls.from_config(self.own.config, **self._given | sampler.options)
        options = {key: value for key, value in sampler.options.items() if key not in _OTHER_SIGMAS}
        shift = self.own.config.get("shift") or 1.0
        return cls.from_config(self.own.config, **options | _FLOW | {"flow_shift": shift})

    def _is_own(self, sampler: Sampler) -> bool:
        return (self.flow and sampler.name == "Euler") or (
            sampler.scheduler == type(self.own).__name__ and (self._only_own or not sampler.options)
        )

    def _fits(self, sampler: Sampler) -> bool:
        own = type(self.own)
        if self.own is None or self._only_own:
            return sampler.scheduler == own.__name__
        if own.__name__.startswith("FlowMatch"):
            others = self._leaves_sigmas and _takes_flow(getattr(diffusers, sampler.scheduler))
            return sampler.name == "Euler" or others
        cls = getattr(diffusers, sampler.scheduler)
        return own is cls or (_is_discrete(own) and _is_discrete(cls))


def _is_discrete(cls: Any) -> bool:
    """Whether a scheduler is one of those of Stable Diffusion, which may take each other's places."""
    return cls.__name__ in ("LCMScheduler", "TCDScheduler", *(one.name for one in KarrasDiffusionSchedulers))


def _named(name: str) -> Sampler:
    found = samplers.find(name)
    if found is None:
        raise InvalidRequest(f"there is no sampler '{name}'", param="scheduler")
    return found


def _leaves_sigmas(cls: Any) -> bool:
    """Whether a pipeline leaves it to the scheduler how noise is divided among the steps, where that can do so."""
    names = getattr(inspect.unwrap(cls.__call__), "__code__", _leaves_sigmas.__code__).co_names
    divides = any(name == "linspace" or name.startswith("get_default") for name in names)
    return "use_flow_sigmas" in names or not divides


def _takes_flow(cls: Any) -> bool:
    """Whether a scheduler also samples flow matching models, whose pipelines say how far time is shifted (``mu``)."""
    options = inspect.signature(cls.__init__).parameters
    return "use_flow_sigmas" in options and "mu" in inspect.signature(cls.set_timesteps).parameters
