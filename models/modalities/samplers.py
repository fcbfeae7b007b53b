"""The samplers that a diffusion model may be run with, by the names of AUTOMATIC1111's web UI.

Each is a scheduler class of diffusers and options that are added to the model's own configuration, as diffusers' table
of A1111's names has them. Restart, DPM fast and DPM adaptive have no counterpart there.
"""

import re
from dataclasses import dataclass, field
from typing import Any

_KARRAS = {"use_karras_sigmas": True}
_PLAIN = {"use_karras_sigmas": False}
_SDE = {"algorithm_type": "sde-dpmsolver++"}
_THIRD = {"solver_order": 3}
_EXPONENTIAL = {"use_karras_sigmas": False, "use_exponential_sigmas": True}


@dataclass(frozen=True, slots=True)
class Sampler:
    """``scheduler`` is a class of diffusers; ``aliases`` are what other programs call this sampler."""

    name: str
    scheduler: str
    options: dict[str, Any] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The sampler as an entry of ``GET /sdapi/v1/samplers``."""
        return {"name": self.name, "aliases": list(self.aliases), "options": {}}


SAMPLERS = (
    Sampler("Euler", "EulerDiscreteScheduler", _PLAIN, ("k_euler",)),
    Sampler("Euler Karras", "EulerDiscreteScheduler", _KARRAS, ("k_euler_ka",)),
    Sampler("Euler a", "EulerAncestralDiscreteScheduler", {}, ("k_euler_a", "k_euler_ancestral", "Euler ancestral")),
    Sampler("Heun", "HeunDiscreteScheduler", _PLAIN, ("k_heun",)),
    Sampler("DPM2", "KDPM2DiscreteScheduler", _PLAIN, ("k_dpm_2",)),
    Sampler("DPM2 Karras", "KDPM2DiscreteScheduler", _KARRAS, ("k_dpm_2_ka",)),
    Sampler("DPM2 a", "KDPM2AncestralDiscreteScheduler", _PLAIN, ("k_dpm_2_a", "k_dpm_2_ancestral")),
    Sampler("DPM2 a Karras", "KDPM2AncestralDiscreteScheduler", _KARRAS, ("k_dpm_2_a_ka",)),
    Sampler("DPM++ 2M", "DPMSolverMultistepScheduler", _PLAIN, ("k_dpmpp_2m",)),
    Sampler("DPM++ 2M Karras", "DPMSolverMultistepScheduler", _KARRAS, ("k_dpmpp_2m_ka",)),
    Sampler("DPM++ 2M SDE", "DPMSolverMultistepScheduler", _PLAIN | _SDE, ("k_dpmpp_2m_sde",)),
    Sampler("DPM++ 2M SDE Karras", "DPMSolverMultistepScheduler", _KARRAS | _SDE, ("k_dpmpp_2m_sde_ka",)),
    Sampler("DPM++ 2M SDE Exponential", "DPMSolverMultistepScheduler", _EXPONENTIAL | _SDE),
    Sampler("DPM++ 3M SDE", "DPMSolverMultistepScheduler", _PLAIN | _SDE | _THIRD),
    Sampler("DPM++ 3M SDE Karras", "DPMSolverMultistepScheduler", _KARRAS | _SDE | _THIRD),
    Sampler("DPM++ 3M SDE Exponential", "DPMSolverMultistepScheduler", _EXPONENTIAL | _SDE | _THIRD),
    Sampler(
        *("DPM++ SDE", "DPMSolverSinglestepScheduler", _PLAIN | _SDE | {"lower_order_final": True}, ("k_dpmpp_sde",))
    ),
    Sampler(
        *("DPM++ SDE Karras", "DPMSolverSinglestepScheduler", _KARRAS | _SDE | {"lower_order_final": True}),
        ("k_dpmpp_sde_ka",),
    ),
    Sampler("DPM++ 2S", "DPMSolverSinglestepScheduler", _PLAIN | {"lower_order_final": True}, ("k_dpmpp_2s",)),
    Sampler("DPM++ 2S Karras", "DPMSolverSinglestepScheduler", _KARRAS | {"lower_order_final": True}),
    Sampler("LMS", "LMSDiscreteScheduler", _PLAIN, ("k_lms",)),
    Sampler("LMS Karras", "LMSDiscreteScheduler", _KARRAS, ("k_lms_ka",)),
    Sampler("DDIM", "DDIMScheduler"),
    Sampler("DDPM", "DDPMScheduler"),
    Sampler("PLMS", "PNDMScheduler", {"skip_prk_steps": True}, ("PNDM",)),
    Sampler("UniPC", "UniPCMultistepScheduler", _PLAIN),
    Sampler("UniPC Karras", "UniPCMultistepScheduler", _KARRAS),
    Sampler("DEIS", "DEISMultistepScheduler", _PLAIN),
    Sampler("LCM", "LCMScheduler"),
    Sampler("TCD", "TCDScheduler"),
)


def find(name: str) -> Sampler | None:
    """The sampler of this name, alias or scheduler class; case, spaces, dashes and underscores do not matter."""
    return _BY_KEY.get(_key(name))


def name_of(scheduler: str, config: dict[str, Any]) -> str:
    """The name of a scheduler of this class and configuration; its class where there is no such sampler."""
    named = [one for one in SAMPLERS if one.scheduler == scheduler]
    fitting = [one for one in named if all(config.get(key) == value for key, value in one.options.items())]
    return (fitting or named or [Sampler(scheduler, scheduler)])[0].name


def _key(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.lower())


_BY_KEY = {_key(one.scheduler): one for one in reversed(SAMPLERS)}
_BY_KEY |= {_key(name): one for one in SAMPLERS for name in (one.name, *one.aliases)}
