"""What a pipeline of diffusers can do: whether it makes pictures at all, and the modes that it can draw in.

Found from diffusers itself: the class of a pipeline's output, its arguments, and the families of its AutoPipelines. The
tables here are of what these do not show.
"""

import importlib.util
import inspect
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, get_args

import diffusers
from diffusers.pipelines import auto_pipeline

from models.errors import InvalidRequest
from workers.engines.diffusers.batch import Mode
from workers.engines.diffusers.index import made_by
from workers.engines.diffusers.video.families import FAMILIES, why_not

_AUTO: dict[Mode, Any] = {
    "text": diffusers.AutoPipelineForText2Image,
    "image": diffusers.AutoPipelineForImage2Image,
    "inpaint": diffusers.AutoPipelineForInpainting,
}
_UNDER_CONTROL: dict[Mode, Mode] = {"text": "control", "image": "control_image", "inpaint": "control_inpaint"}
_ONE_FAMILY: dict[str, dict[Mode, str]] = {
    "ChromaPipeline": {"image": "ChromaImg2ImgPipeline", "inpaint": "ChromaInpaintPipeline"},
    "FluxKontextPipeline": {"inpaint": "FluxKontextInpaintPipeline"},
    "Flux2KleinPipeline": {"inpaint": "Flux2KleinInpaintPipeline"},
    "SanaSprintPipeline": {"image": "SanaSprintImg2ImgPipeline"},
}
"""Pipelines for other modes with the same weights, which diffusers' AutoPipelines do not know."""
_DRAWS_WITHOUT_IMAGE = (
    *("FluxKontextPipeline", "Flux2Pipeline", "Flux2KleinPipeline", "Flux2KleinKVPipeline", "ZImageOmniPipeline"),
    *("GlmImagePipeline", "QwenImage21Pipeline", "DreamLitePipeline", "DreamLiteMobilePipeline"),
)
"""Pipelines that take an image and need none."""
SEVERAL_IMAGES = (
    *("Flux2Pipeline", "Flux2KleinPipeline", "Flux2KleinKVPipeline", "ZImageOmniPipeline"),
    *("QwenImageEditPlusPipeline", "JoyImageEditPlusPipeline"),
)
"""Pipelines that take several images for one picture."""
_OTHER_PICTURES = (
    *("ShapE", "TextToVideoZero", "QwenImageLayered", "StableDiffusionLatentUpscale", "VisualCloze"),
    *("StableDiffusionDiffEdit", "StableDiffusionPix2PixZero", "QwenImageControlNetInpaint"),
    "StableDiffusion3ControlNetInpainting",
)
"""Beginnings of the names of pipelines whose ``images`` are not a picture each, or that take what no request has."""
_GIVEN = frozenset({"self", "prompt", "image", "mask_image", "control_image", "args", "kwargs"})
_MEDIA = {"frames": "videos", "video": "videos", "audios": "sound", "audio": "sound", "texts": "text"}


def refuse_other(name: str) -> None:
    """Raise InvalidRequest for a pipeline that makes no pictures, or needs what no request gives. It is not loaded."""
    cls = getattr(diffusers, name, None)
    if cls is None:
        raise InvalidRequest(
            f"the model is a '{name[:60]}', which diffusers {diffusers.__version__} does not have", param="model_path"
        )
    if cls.__module__.startswith("diffusers.utils.dummy"):
        lacking = ", ".join(one for one in cls._backends if importlib.util.find_spec(one) is None)
        raise InvalidRequest(
            f"the pipeline {name} needs {lacking}, which must be installed beside the engine", param="model_path"
        )
    made = made_by(cls)
    if "frames" in made and name in FAMILIES:
        raise InvalidRequest(f"a {name} makes videos: launch it with model_type 'video'", param="model_type")
    if "frames" in made:
        raise InvalidRequest(f"a {name} makes videos, and is not served: {why_not(name)}", param="model_path")
    if "images" not in made and "image" not in made and cls not in _families():
        what = next((f"makes {kind}" for field, kind in _MEDIA.items() if field in made), "makes no pictures by itself")
        raise InvalidRequest(f"a {name} {what}, and only pipelines that draw pictures are served", param="model_path")
    arguments = inspect.signature(cls.__call__).parameters
    needed = [one for one, about in arguments.items() if about.default is about.empty and one not in _GIVEN]
    if needed:
        part = any("embed" in one for one in needed)
        advice = ": it is a part, launch the combined pipeline" if part else ""
        raise InvalidRequest(f"a {name} needs {', '.join(needed)}, which no request gives{advice}", param="model_path")
    if name.startswith(_OTHER_PICTURES) or not {"prompt", "image", "images"} & arguments.keys():
        raise InvalidRequest(f"a {name} does not draw one picture from a prompt or an image", param="model_path")
    if "num_inference_steps" not in arguments:
        raise InvalidRequest(
            f"a {name} takes no number of steps, as a request has it, but one for each of its parts", param="model_path"
        )


def pipes_of(base: Any, control: Any) -> dict[Mode, Any]:
    """The modes that these weights can draw in, each with its pipeline. Raises InvalidRequest: no such ControlNet."""
    own = dict.fromkeys(_modes(type(base)), base)  # not all are known to the AutoPipelines: Sana-Sprint's is not
    found = dict(_found(base)) or own
    pipes = {mode: pipe for mode, pipe in own.items() if _fits(base, mode, _channels(base))} | found
    if control is not None:
        pipes |= _controlled(base, control)
    return {mode: pipes[mode] for mode in get_args(Mode) if mode in pipes}


def _found(base: Any) -> Iterator[tuple[Mode, Any]]:
    for auto in _AUTO.values():
        with suppress(ValueError):  # this family of models has no such pipeline
            pipe = auto.from_pipe(base)
            for possible in _modes(type(pipe)):
                if _fits(base, possible, _channels(base)):
                    yield possible, pipe
    for mode, name in _ONE_FAMILY.get(type(base).__name__, {}).items():
        yield mode, as_pipeline(getattr(diffusers, name), base)


def _channels(base: Any) -> int:
    """The channels that the weights' UNet reads: 9 where it sees a mask, too."""
    count: int = getattr(getattr(base, "unet", None), "config", {}).get("in_channels", 4)
    return count


def _fits(base: Any, mode: Mode, channels: int) -> bool:
    """Whether the weights, not only their family, can draw in this mode."""
    if channels == 9:
        return mode in ("inpaint", "control_inpaint")
    if mode == "inpaint" and type(base).__name__.startswith("Kandinsky"):
        return False  # they need a UNet that sees the mask
    return mode != "text" or not base.config.get("requires_aesthetics_score")  # SDXL's refiner


def _controlled(base: Any, control: Any) -> dict[Mode, Any]:
    pipes: dict[Mode, Any] = {}
    for mode, auto in _AUTO.items():
        try:
            pipe = auto.from_pipe(base, controlnet=control)
            if _UNDER_CONTROL[mode] in _modes(type(pipe)):
                pipes[_UNDER_CONTROL[mode]] = pipe
        except ValueError as error:
            if mode == "text":
                raise InvalidRequest(f"this model takes no ControlNet: {error}", param="controlnet") from error
    return pipes


def as_pipeline(cls: Any, base: Any) -> Any:
    """Another pipeline of the same weights."""
    known: Mapping[str, Any] = {**base.config, **base.components}
    return cls(**{name: known[name] for name in inspect.signature(cls.__init__).parameters if name in known})


def _modes(cls: Any) -> tuple[Mode, ...]:
    """The modes that a pipeline of this class draws in, by its arguments."""
    arguments = inspect.signature(cls.__call__).parameters
    named = "ControlNet" in cls.__name__ or "Adapter" in cls.__name__
    control = "control_image" in arguments or (named and "image" in arguments)
    if control and "mask_image" in arguments:
        return ("control_inpaint",)
    if control:
        return ("control_image",) if {"control_image", "image"} <= arguments.keys() else ("control",)
    if "mask_image" in arguments:
        return ("inpaint",)
    if cls.__name__ in _DRAWS_WITHOUT_IMAGE:
        return ("text", "image")
    changes = {"image", "images"} & arguments.keys() and cls.__name__ not in _IMAGES_BY_THE_WAY
    return ("image",) if changes else ("text",)


_IMAGES_BY_THE_WAY = ("StableCascadeCombinedPipeline", "BriaFibo2Pipeline", "UniDiffuserPipeline")
"""Pipelines that draw from a prompt, and whose argument for images is not what is to be changed."""


def _families() -> set[Any]:
    """The classes that diffusers lists for pictures."""
    listed = (
        auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING,
        auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING,
        auto_pipeline.AUTO_INPAINT_PIPELINES_MAPPING,
    )
    return {cls for family in listed for cls in family.values() if "frames" not in made_by(cls)}
