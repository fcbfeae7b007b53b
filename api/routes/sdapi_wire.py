"""Translates AUTOMATIC1111's bodies into ours, and our answers into AUTOMATIC1111's. Pure functions.

A field that would change the picture and is not supported is refused by name, unless its value is the web UI's own
default or asks for nothing. Other unknown fields are ignored, as the web UI does. For what a request leaves out the
model's own default is taken (the web UI's are those of Stable Diffusion 1.5: 512x512, 50 steps, 7.0).
"""

import json
import re
import time
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator

from api.jobs.forms import SEVERAL
from models.errors import InvalidRequest, UnsupportedParameter
from models.modalities import samplers
from models.modalities.media import Answer, further
from models.unicode import refuse_broken

MARK = "sdapi"
"""The key in a job's metadata that shows that it was asked for on these paths."""

INERT: dict[str, tuple[Any, ...]] = {
    "alwayson_scripts": ({},),
    "enable_hr": (False,),
    "eta": (0, 1),
    "firstpass_image": ("",),
    "image_cfg_scale": (0, 1, 1.5),
    "infotext": ("",),
    "initial_noise_multiplier": (0, 1),
    "inpainting_fill": (0, 1),
    "inpainting_mask_invert": (0,),
    "latent_mask": ("",),
    "mask_blur": (0, 4),
    "mask_blur_x": (0, 4),
    "mask_blur_y": (0, 4),
    "refiner_checkpoint": ("", "None"),
    "resize_mode": (0,),
    "restore_faces": (False,),
    "s_churn": (0,),
    "s_min_uncond": (0,),
    "s_noise": (1,),
    "script_name": ("", "None"),
    "seed_resize_from_h": (-1, 0),
    "seed_resize_from_w": (-1, 0),
    "styles": ([],),
    "subseed_strength": (0,),
    "tiling": (False,),
}
"""Unsupported fields that would change the picture, and those of their values that ask for nothing (besides null)."""

INERT_OPTIONS: dict[str, tuple[Any, ...]] = {
    "CLIP_stop_at_last_layers": (1,),
    "eta_noise_seed_delta": (0,),
    "sd_vae": ("Automatic", "None", ""),
}
HARMLESS_OPTIONS = ("do_not_show", "grid_", "live_preview", "outdir_", "return_", "save_", "show_progress")
"""Beginnings of the names of options that do not change the picture."""

_FORMATS = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}
_LORA = re.compile(r"<lora:([^:<>]{1,100})(?::([+-]?\d{0,4}(?:\.\d{0,6})?))?>")
_NETWORK = re.compile(r"<(?:hypernet|lyco):[^<>]*>")


class Drawing(BaseModel):
    """Body of ``txt2img`` and ``img2img``. ``model`` and ``kwargs`` are Xinference's fields, as at ``/v1/images/…``."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    prompt: str | None = Field(None, max_length=32_000)
    negative_prompt: str | None = Field(None, max_length=32_000)
    steps: int | None = None
    seed: int | None = Field(None, description="-1 is any")
    cfg_scale: float | None = None
    width: int | None = None
    height: int | None = None
    sampler_name: str | None = Field(None, max_length=100)
    sampler_index: str | None = Field(None, max_length=100)
    scheduler: str | None = Field(None, max_length=100)
    batch_size: Annotated[int, Field(ge=1, le=64)] | None = None
    n_iter: Annotated[int, Field(ge=1, le=64)] | None = None
    init_images: list[str] | None = Field(None, description="one picture, in base64")
    mask: str | None = Field(None, description="white where the picture is to change")
    denoising_strength: float | None = None
    override_settings: dict[str, Any] | None = None
    send_images: bool | None = None
    model: str | None = Field(None, max_length=256)

    @field_validator("*", mode="before")
    @classmethod
    def _unicode(cls, value: Any) -> Any:
        return refuse_broken(value, nul=True)

    @property
    def checkpoint(self) -> str | None:
        """The model that is to draw; None where the body names none."""
        return checkpoint(self.override_settings or {}) or self.model or None


def checkpoint(options: dict[str, Any]) -> str | None:
    """The model that these options name, or None. Raises InvalidRequest for an option that is not supported."""
    for name, value in options.items():
        if name in ("sd_model_checkpoint", "samples_format") or name.startswith(HARMLESS_OPTIONS):
            continue
        if not _asks_nothing(value, INERT_OPTIONS.get(name, ())):
            raise UnsupportedParameter(f"the option '{name[:100]}' cannot be set to this", param=name[:100])
    if _format(options) is None:
        raise InvalidRequest(f"'samples_format' is one of {', '.join(_FORMATS)}", param="samples_format")
    named = options.get("sd_model_checkpoint")
    if named is not None and not isinstance(named, str):
        raise InvalidRequest("'sd_model_checkpoint' must be a string", param="sd_model_checkpoint")
    return named or None


def translated(body: Drawing, *, edit: bool) -> dict[str, Any]:
    """The body for our own endpoint of images, without its model. Raises InvalidRequest for what is not supported."""
    extra = body.model_extra or {}
    for name, inert in INERT.items():
        if not _asks_nothing(extra.get(name), inert):
            raise UnsupportedParameter(f"'{name}' is not supported, except as {_as_json(inert)}", param=name)
    prompt, loras = without_loras(body.prompt or "")
    fields = {
        "prompt": prompt,
        "prompt_syntax": "a1111",
        "negative_prompt": body.negative_prompt,
        "lora": loras,
        "steps": body.steps,
        "seed": body.seed,
        "guidance_scale": body.cfg_scale,
        "size": _size(body),
        "scheduler": sampler(body),
        "strength": body.denoising_strength if edit else None,
        "n": (body.batch_size or 1) * (body.n_iter or 1),
        "output_format": _format(body.override_settings or {}),
        "kwargs": extra.get("kwargs"),
    }
    asked = {name: value for name, value in fields.items() if value not in (None, "", [])}
    return asked | {"response_format": "b64_json"}


def unknown(body: Drawing) -> tuple[str, ...]:
    """The fields of a body that nobody here has heard of."""
    return tuple(name for name in body.model_extra or {} if name not in INERT and name != "kwargs")


def pictures(body: Drawing) -> dict[str, str]:
    """The files of an ``img2img``, as data URLs or URLs. Raises InvalidRequest."""
    images = body.init_images or []
    if not 1 <= len(images) <= SEVERAL["image"]:
        raise InvalidRequest(f"'init_images' must be one to {SEVERAL['image']} pictures", param="init_images")
    named = {further("image", number): text for number, text in enumerate(images)} | (
        {"mask": body.mask} if body.mask else {}
    )
    for name, text in named.items():
        if not text.startswith(("data:", "http://", "https://")):
            named[name] = f"data:application/octet-stream;base64,{text}"
    return named


def sampler(body: Drawing) -> str | None:
    """The sampler's name, followed by the scheduler of newer web UIs. Raises InvalidRequest for an unknown sampler."""
    name = body.sampler_name or body.sampler_index
    schedule = (body.scheduler or "").strip()
    if schedule.lower() in ("", "automatic"):
        return name
    if name is None:
        raise InvalidRequest("'scheduler' needs 'sampler_name'", param="scheduler")
    whole = name if name.lower().endswith(schedule.lower()) else f"{name} {schedule}"
    if samplers.find(whole) is None:
        raise InvalidRequest(f"there is no sampler '{whole}'", param="scheduler")
    return whole


def without_loras(prompt: str) -> tuple[str, list[dict[str, Any]]]:
    """The prompt without its parts ``<lora:name:scale>``, and these. Raises UnsupportedParameter for other networks."""
    if found := _NETWORK.search(prompt):
        raise UnsupportedParameter(f"'{found[0][:100]}' is not supported", param="prompt")
    loras = []
    for name, scale in _LORA.findall(prompt):
        try:
            loras.append({"name": name, "scale": float(scale) if scale else 1.0})
        except ValueError as error:
            raise InvalidRequest(f"'<lora:{name}:{scale}>' has no scale", param="prompt") from error
    return _LORA.sub("", prompt).strip() if loras else prompt, loras


class Reworded:
    """Translates OpenAI's answer into AUTOMATIC1111's."""

    def __init__(self, body: Drawing, fields: dict[str, Any]) -> None:
        self._body = body
        self._fields = fields

    def __call__(self, answer: Answer) -> Answer:
        """``images`` in base64, ``parameters`` as they were sent, ``info`` as JSON in a string."""
        drawn = msgspec.json.decode(answer.content)
        images = [one["b64_json"] for one in drawn["data"]]
        shown = {
            "images": images if self._body.send_images is not False else [],
            "parameters": self._body.model_dump(mode="json", exclude_unset=True) | {"init_images": None, "mask": None},
            "info": json.dumps(self._info(drawn)),
        }
        ignored = tuple("cfg_scale" if name == "guidance_scale" else name for name in answer.ignored)
        return Answer(msgspec.json.encode(shown), warning=answer.warning, ignored=ignored)

    def _info(self, drawn: dict[str, Any]) -> dict[str, Any]:
        body = self._body
        seeds = [one.get("seed", -1) for one in drawn["data"]]
        width, _, height = drawn["size"].partition("x")
        return {
            "prompt": body.prompt or "",
            "all_prompts": [body.prompt or ""] * len(seeds),
            "negative_prompt": body.negative_prompt or "",
            "all_negative_prompts": [body.negative_prompt or ""] * len(seeds),
            "seed": seeds[0] if seeds else -1,
            "all_seeds": seeds,
            "width": int(width),
            "height": int(height),
            "sampler_name": self._fields.get("scheduler"),
            "cfg_scale": body.cfg_scale,
            "steps": body.steps,
            "batch_size": body.batch_size or 1,
            "denoising_strength": self._fields.get("strength"),
            "sd_model_name": self._fields["model"],
            "sd_model_hash": None,
            "styles": [],
            "index_of_first_image": 0,
            "job_timestamp": time.strftime("%Y%m%d%H%M%S", time.gmtime(drawn["created"])),
        }


@dataclass(slots=True)
class Latest:
    """The newest progress of a drawing: ``done`` from 0 to 1, and in ``image`` a preview in base64."""

    done: float = 0.0
    step: int = 0
    steps: int = 0
    image: str | None = None


def shown_progress(job: str | None, jobs: int, latest: Latest, elapsed_s: float) -> dict[str, Any]:
    """The answer of ``GET …/progress``."""
    return {
        "progress": latest.done,
        "eta_relative": round(elapsed_s / latest.done - elapsed_s, 2) if latest.done else 0.0,
        "state": {
            "skipped": False,
            "interrupted": False,
            "job": job or "",
            "job_count": jobs,
            "job_no": 0,
            "sampling_step": latest.step,
            "sampling_steps": latest.steps,
        },
        "current_image": latest.image,
        "textinfo": None,
    }


def _format(options: dict[str, Any]) -> str | None:
    """Our name for the format in ``samples_format``; None for an unknown one."""
    name = options.get("samples_format", "png")
    return _FORMATS.get(name) if isinstance(name, str) else None


def _size(body: Drawing) -> str | None:
    if body.width is None and body.height is None:
        return None
    if body.width is None or body.height is None:
        raise InvalidRequest("'width' and 'height' are given together", param="width")
    return f"{body.width}x{body.height}"


def _asks_nothing(value: Any, inert: tuple[Any, ...]) -> bool:
    return value is None or any(value == one for one in inert)


def _as_json(values: tuple[Any, ...]) -> str:
    return " or ".join(map(json.dumps, values))
