"""The defaults of a pipeline of diffusers as far as its files say them, before it is loaded. Pure.

Size and sampler of pictures are known only when it is loaded.
"""

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from models.launching import hub
from models.launching.defaults import films, pictures
from models.launching.defaults.pictures import Checkpoint
from models.launching.peek import Peek

_WAN, _LTX, _SD, _QWEN, _PIXART, _FLUX2 = (50, 5.0), (50, 3.0), (50, 7.5), (50, 4.0), (20, 4.5), (50, 4.0)
USUAL: dict[str, tuple[int, float]] = {
    **dict.fromkeys(("StableDiffusionPipeline", "StableDiffusionInpaintPipeline"), _SD),
    **dict.fromkeys(("StableDiffusionDepth2ImgPipeline", "StableDiffusionImageVariationPipeline"), _SD),
    "StableDiffusionXLInpaintPipeline": _SD,
    **dict.fromkeys(("StableDiffusionXLPipeline", "StableDiffusionXLImg2ImgPipeline"), (50, 5.0)),
    **dict.fromkeys(("KolorsPipeline", "ZImagePipeline", "HunyuanDiTPipeline", "CogView4Pipeline"), (50, 5.0)),
    "StableDiffusionInstructPix2PixPipeline": (100, 7.5),
    "StableDiffusionXLInstructPix2PixPipeline": (100, 5.0),
    "StableDiffusion3Pipeline": (28, 7.0),
    **dict.fromkeys(("FluxPipeline", "FluxKontextPipeline"), (28, 3.5)),
    "FluxFillPipeline": (50, 30.0),
    **dict.fromkeys(("Flux2Pipeline", "Flux2KleinPipeline"), _FLUX2),
    **dict.fromkeys(("QwenImagePipeline", "QwenImageEditPipeline", "QwenImageEditPlusPipeline"), _QWEN),
    "LatentConsistencyModelPipeline": (4, 8.5),
    "Kandinsky3Pipeline": (25, 3.0),
    "Krea2Pipeline": (28, 4.5),
    "ChromaPipeline": (35, 5.0),
    "AuraFlowPipeline": (50, 3.5),
    "Lumina2Pipeline": (30, 4.0),
    **dict.fromkeys(("SanaPipeline", "PixArtAlphaPipeline", "PixArtSigmaPipeline"), _PIXART),
    "SanaSprintPipeline": (2, 4.5),
    "HiDreamImagePipeline": (50, 5.0),
    **dict.fromkeys(("WanPipeline", "WanImageToVideoPipeline", "SkyReelsV2ImageToVideoPipeline"), _WAN),
    "SkyReelsV2Pipeline": (50, 6.0),
    **dict.fromkeys(("LTXPipeline", "LTXImageToVideoPipeline", "LTXConditionPipeline"), _LTX),
    **dict.fromkeys(("CogVideoXPipeline", "CogVideoXImageToVideoPipeline", "HunyuanVideoPipeline"), (50, 6.0)),
    "MochiPipeline": (64, 4.5),
}
"""The steps and the guidance that pipelines have of their own, by their classes."""


def known_defaults(model_type: str, seen: Peek | None, options: Mapping[str, Any]) -> dict[str, Any] | None:
    """The defaults under the names that requests have for them; None where nothing is known of them."""
    checkpoint = None if seen is None else _checkpoint(seen)
    if checkpoint is None or model_type not in ("image", "video"):
        return None
    steps, guidance = USUAL.get(checkpoint.pipeline, (None, None))
    known: dict[str, Any] = {"steps": steps, "guidance_scale": guidance}
    asked = {"steps": options.get("default_steps"), "guidance_scale": options.get("default_guidance")}
    found = films.defaults_of(checkpoint) if model_type == "video" else pictures.defaults_of(checkpoint)
    own: dict[str, Any] = {"steps": found.steps, "guidance_scale": found.guidance, "distilled": found.distilled}
    if isinstance(found, films.FilmDefaults):
        own |= {"num_frames": found.frames, "fps": found.fps, "size": found.size and "{}x{}".format(*found.size)}
        asked |= {"num_frames": options.get("default_frames"), "fps": options.get("default_fps")}
    asked["size"] = options.get("default_size")
    for one in (own, asked):
        known |= {name: value for name, value in one.items() if value is not None}
    return {name: value for name, value in known.items() if value is not None}


def _checkpoint(seen: Peek) -> Checkpoint | None:
    """What the files show; None where they are no pipeline of diffusers."""
    index = seen.documents.get("model_index.json", {})
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str):
        return None
    scheduling = seen.documents.get("scheduler/scheduler_config.json", {})
    return Checkpoint(
        pipeline=pipeline,
        name=hub.name_of(PurePath(seen.place)),
        index=index,
        network=seen.documents.get("unet/config.json") or seen.documents.get("transformer/config.json", {}),
        scheduler=str(scheduling.get("_class_name", "")),
        scheduling=scheduling,
    )
