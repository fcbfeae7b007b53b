"""What is known of a model before it is loaded, from its files, its engine and its options. Pure.

The gateway finds it out at the launch, as far as it can see the weights; the runner again once they are fetched.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.engines import FACTS, EngineFacts
from models.launching.chat_templates import REASONING_FORMATS, describes_tools, tags_of
from models.launching.defaults.grids import known_grid
from models.launching.defaults.known import known_defaults
from models.launching.options.context import known_positions, shortened, written_positions
from models.launching.peek import Peek
from models.modalities import MODALITIES, THROUGH
from models.modalities.videos.limits import MODE_ABILITIES, VideoGrid, VideoMode

_REDRAW = (
    *("StableDiffusionPipeline", "StableDiffusionXLPipeline", "StableDiffusion3Pipeline", "FluxPipeline"),
    *("QwenImagePipeline", "ZImagePipeline", "IFPipeline"),
    *("FluxKontextPipeline", "Flux2KleinPipeline", "ChromaPipeline"),
)
DRAWS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_REDRAW, ("text2image", "image2image", "inpainting")),
    **dict.fromkeys(
        (
            "Flux2Pipeline",
            "LatentConsistencyModelPipeline",
            "Kandinsky3Pipeline",
            "KolorsPipeline",
            "SanaSprintPipeline",
            "KandinskyCombinedPipeline",
            "KandinskyV22CombinedPipeline",
        ),
        ("text2image", "image2image"),
    ),
    **dict.fromkeys(
        ("StableDiffusionInpaintPipeline", "StableDiffusionXLInpaintPipeline", "FluxFillPipeline"), ("inpainting",)
    ),
    **dict.fromkeys(
        (
            *("StableDiffusionInstructPix2PixPipeline", "StableDiffusionXLInstructPix2PixPipeline"),
            *("QwenImageEditPlusPipeline", "StableDiffusionImageVariationPipeline", "StableDiffusionDepth2ImgPipeline"),
        ),
        ("image2image",),
    ),
    **dict.fromkeys(("QwenImageEditPipeline", "StableDiffusionXLImg2ImgPipeline"), ("image2image", "inpainting")),
}
"""What pipelines of diffusers can do that do not draw from a text alone, by their classes."""

_BOTH = ("text2video", "image2video")
FILMS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("WanPipeline", "SkyReelsV2Pipeline", "CogVideoXPipeline", "HunyuanVideoPipeline", "MochiPipeline"),
        ("text2video",),
    ),
    **dict.fromkeys(
        ("WanImageToVideoPipeline", "SkyReelsV2ImageToVideoPipeline", "CogVideoXImageToVideoPipeline"),
        ("image2video",),
    ),
    **dict.fromkeys(("LTXPipeline", "LTXImageToVideoPipeline"), _BOTH),
    "LTXConditionPipeline": (*_BOTH, "firstlastframe2video"),
}
"""The pipelines of diffusers whose videos are served, by their classes, and what they can do. Loaded, more is known."""

PROCESSORS = ("preprocessor_config.json", "processor_config.json")
"""The files of a processor; a network that could see takes text alone where there is none of them."""

_TRANSCRIBES = MODALITIES["transcription"].ability
_WRITERS = ("qwen3_asr", "glmasr", "voxtral", "granite_speech", "granite_speech_plus")
_STYLES = re.compile(r"voices(?:/[^/]+\.(?:bin|npy|pt)|[^/]*\.(?:npz|bin))")
_SPEAKING = re.compile(r"(?:onnx/)?[^/]+\.onnx|model\.sha256")
_COUNTS_FROM_PADDING = ("roberta", "camembert", "mpnet")
"""Networks whose positions begin behind their padding token."""


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a model; None for what is not.

    ``abilities`` are Xinference's words; ``context_length`` in tokens; ``dimensions`` of an embedding; ``family`` is
    what the files call their architecture; ``defaults`` of pictures and videos; ``video_modes``: what videos can be
    made from, empty where the files do not say, and ``video_grid``: in which sizes and lengths; ``warnings`` tell in
    sentences what is not as the launch asked.
    """

    abilities: list[str]
    context_length: int | None = None
    dimensions: int | None = None
    family: str | None = None
    defaults: dict[str, Any] | None = None
    video_modes: list[VideoMode] = field(default_factory=list)
    video_grid: VideoGrid | None = None
    warnings: list[str] = field(default_factory=list)


def about(engine: str, model_type: str, seen: Peek | None, options: Mapping[str, Any]) -> About:
    """What is known of a model. ``seen`` is what a look at its weights showed; None: there was none."""
    facts = FACTS[engine]
    return About(
        abilities=list(_abilities(facts, model_type, seen, options)),
        context_length=_context(facts, seen, options),
        dimensions=_dimensions(seen) if seen is not None and model_type == "embedding" else None,
        family=None if seen is None else _family(seen),
        defaults=known_defaults(model_type, seen, options),
        video_modes=_video_modes(model_type, seen),
        video_grid=known_grid(_pipeline(seen), seen) if model_type == "video" and seen is not None else None,
        warnings=[told] if (told := _shortened(facts, seen, options)) else [],
    )


def serves(engine: str, model_type: str) -> tuple[str, ...]:
    """The modalities that a model of this type serves on this engine, with the protocols that go through them."""
    facts = FACTS.get(engine)
    served = () if facts is None else next((names for name, names in facts.serves.items() if name == model_type), ())
    return (*served, *(name for name, through in THROUGH.items() if through in served))


def abilities_of(engine: str, model_type: str) -> list[str]:
    """What every model of this type can do on this engine."""
    return [one for name in serves(engine, model_type) if (one := MODALITIES[name].ability)]


def hears(config: Mapping[str, Any]) -> bool:
    """Whether a network of this configuration takes sound and writes text."""
    thinker = config.get("thinker_config")
    named = config.get("audio_config") or (thinker.get("audio_config") if isinstance(thinker, dict) else None)
    return bool(named) or "audio_token_index" in config


def listens(engine: str, network: str) -> bool:
    """Whether, of the engines for recordings, this one has networks of this class: Whisper, or models that hear."""
    return (engine == "faster_whisper") is network.startswith("Whisper")


def has_styles(files: Collection[str]) -> bool:
    """Whether these files are Kokoro's: styles of voices, and a network in ONNX, or in parts that packages carry."""
    return any(map(_STYLES.fullmatch, files)) and any(map(_SPEAKING.fullmatch, files))


def has_phonemes(seen: Peek) -> bool:
    """Whether these are voices of Piper: networks in ONNX, each with the numbers of its phonemes beside it."""
    described = (one for name, one in seen.documents.items() if name.endswith(".onnx.json"))
    return any({"audio", "espeak", "phoneme_id_map"} <= one.keys() for one in described)


def suits(engine: str, written: str, network: str, seen: Peek) -> bool:
    """Whether, of the engines for sound that read this format, this one has such networks."""
    if written == "onnx":
        return engine == ("kokoro" if has_styles(seen.files) else "piper" if has_phonemes(seen) else "hibari")
    return written != "safetensors" or listens(engine, network)


def writes_down(config: Mapping[str, Any]) -> bool:
    """Whether a network of this configuration is made to write down what is said, more than to chat."""
    return config.get("model_type") in _WRITERS


def names_code(seen: Peek) -> bool:
    """Whether the weights name code of their own, which would have to be trusted."""
    pipeline = seen.documents.get("model_index.json", {}).get("_class_name")
    own = any(not name.startswith("sentence_transformers.") for name in seen.modules)
    return own or isinstance(pipeline, list) or any("auto_map" in one for one in seen.documents.values())


def _abilities(facts: EngineFacts, model_type: str, seen: Peek | None, options: Mapping[str, Any]) -> Iterator[str]:
    usual = abilities_of(facts.name, model_type)
    if not facts.formats:
        yield from (*usual, *(facts.abilities if model_type == "LLM" else ()))
    elif model_type == "LLM":
        template = _template(seen, options)
        chats = template != "" or facts.name == "llama_cpp"  # llama.cpp has a template of its own
        senses = set(_senses(facts, seen, options))
        without = (set() if chats else {"chat"}) | (set() if "audio" in senses else {_TRANSCRIBES})
        yield from (one for one in usual if one not in without)
        shown = {*_shown(template or "", facts, options), *senses} if chats else set()
        yield from (one for one in facts.abilities if one in shown)
    elif model_type == "image" and seen is not None:
        yield from DRAWS.get(_pipeline(seen), usual)
    elif model_type == "video" and seen is not None:
        yield from _films(seen) or usual
    else:
        yield from usual


def _films(seen: Peek) -> tuple[str, ...]:
    """What a pipeline of videos can do, as far as its files say it; empty for one that is not served.

    Wan's and SkyReels' networks for pictures see the first one, both, or whatever there is, which their configurations
    say; and Wan 2.2's small one takes a picture though its pipeline is that of texts.
    """
    able = FILMS.get(_pipeline(seen), ())
    if able and seen.documents["model_index.json"].get("expand_timesteps"):
        return _BOTH
    network = seen.documents.get("transformer/config.json")
    if not _pipeline(seen).startswith(("WanImage", "SkyReelsV2Image")):
        return able
    if network and network.get("pos_embed_seq_len") is not None:
        return ("firstlastframe2video",)
    if network and network.get("image_dim") is not None:
        return able
    return (*able, "firstlastframe2video")


def _video_modes(model_type: str, seen: Peek | None) -> list[VideoMode]:
    """What a model of videos can make them from; empty where its files do not say."""
    able = _films(seen) if model_type == "video" and seen is not None else ()
    return [mode for mode, word in MODE_ABILITIES.items() if word in able]


def _pipeline(seen: Peek) -> str:
    """The class that a pipeline's index names."""
    return str(seen.documents.get("model_index.json", {}).get("_class_name"))


def _template(seen: Peek | None, options: Mapping[str, Any]) -> str | None:
    """The chat template; "": there is none, None: it is not known."""
    given = options.get("chat_template")
    if isinstance(given, str):
        return given
    if seen is None or "tekken.json" in seen.files:  # Mistral's own tokenizer brings its template in a library
        return None
    return seen.template


def _shown(template: str, facts: EngineFacts, options: Mapping[str, Any]) -> Iterator[str]:
    """What a chat template and the options show. vLLM reads calls and thoughts only with the parser that it is told."""
    reads = facts.name != "vllm"
    if describes_tools(template) and (reads or options.get("tool_call_parser")):
        yield "tools"
    asked = str(options.get("reasoning_format", "auto"))
    thinks = tags_of(template) is not None if asked == "auto" else asked in REASONING_FORMATS
    if options.get("reasoning_parser") or (reads and thinks):
        yield "reasoning"
        if "enable_thinking" in template:
            yield "hybrid"


def _senses(facts: EngineFacts, seen: Peek | None, options: Mapping[str, Any]) -> Iterator[str]:
    config = _config(seen)
    if facts.name == "llama_cpp":
        beside = seen is not None and any(name.startswith("mmproj") for name in seen.files)
        if options.get("mmproj") != "none" and (beside or options.get("mmproj")):
            yield "vision"
        return
    if seen is None or not set(PROCESSORS) & set(seen.files):
        return
    thinker = config.get("thinker_config")
    if config.get("vision_config") or (isinstance(thinker, dict) and thinker.get("vision_config")):
        yield "vision"
    if hears(config):
        yield "audio"


def _context(facts: EngineFacts, seen: Peek | None, options: Mapping[str, Any]) -> int | None:
    """The tokens of a request: what is asked for, or the engine's default, within what the model was trained for."""
    if facts.context is None:
        return None
    name, default = facts.context
    asked = options.get(name, default)
    trained = _positions(seen) if facts.name != "sentence_transformers" else _longest(seen, asked)
    return min((one for one in (_count(asked), trained) if one is not None), default=None)


def _shortened(facts: EngineFacts, seen: Peek | None, options: Mapping[str, Any]) -> str:
    """What is to be told of a context that is shorter than the one that is asked for. vLLM itself refuses those."""
    if facts.context is None or facts.name == "vllm":
        return ""
    name, _ = facts.context
    asked = options.get(name)
    return shortened(name, asked, _longest(seen, asked) if facts.name == "sentence_transformers" else _positions(seen))


def _positions(seen: Peek | None) -> int | None:
    """The positions that a network knows, as its files say."""
    if seen is None:
        return None
    if seen.header:
        return _count(seen.header.get(f"{seen.header.get('general.architecture')}.context_length"))
    text = _text_config(seen)
    return known_positions(text)


def _longest(seen: Peek | None, asked: Any) -> int | None:
    """The tokens of one input, as sentence-transformers finds them where a launch does not say."""
    if seen is None:
        return None
    text = _text_config(seen)
    positions = written_positions(text)
    if positions is None:
        return None
    usable = positions
    if any(one in str(text.get("model_type")) for one in _COUNTS_FROM_PADDING):
        usable -= (_count(text.get("pad_token_id")) or 0) + 1
    if asked is not None:
        return usable
    saved = _count(seen.documents.get("sentence_bert_config.json", {}).get("max_seq_length"))
    read = _count(seen.documents.get("tokenizer_config.json", {}).get("model_max_length"))
    return min(usable, saved or read or usable)


def _dimensions(seen: Peek) -> int | None:
    """The length of a vector: what the last layer behind the network makes, or the network's own width."""
    if seen.header:
        return _count(seen.header.get(f"{seen.header.get('general.architecture')}.embedding_length"))
    layers = [(name, seen.documents[name]) for name in sorted(seen.documents)]
    if dense := [layer for name, layer in layers if name.endswith("_Dense/config.json")]:
        return _count(dense[-1].get("out_features"))
    if pooling := [layer for name, layer in layers if name.endswith("_Pooling/config.json")]:
        modes = sum(value is True for name, value in pooling[0].items() if name.startswith("pooling_mode_"))
        width = _count(pooling[0].get("word_embedding_dimension") or pooling[0].get("embedding_dimension"))
        return width * max(modes, 1) if width else None
    return _count(_text_config(seen).get("hidden_size"))


def _family(seen: Peek) -> str | None:
    pipeline = seen.documents.get("model_index.json", {}).get("_class_name")
    found = seen.header.get("general.architecture") or _config(seen).get("model_type") or pipeline
    return found[:100] if isinstance(found, str) else None


def _config(seen: Peek | None) -> Mapping[str, Any]:
    return {} if seen is None else seen.documents.get("config.json", {})


def _text_config(seen: Peek | None) -> Mapping[str, Any]:
    """What ``config.json`` says of the part that reads text."""
    config = _config(seen)
    text = config.get("text_config")
    return text if isinstance(text, dict) else config


def _count(value: Any) -> int | None:
    """A number of tokens; None for what is none. Tokenizers without a limit have a huge one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 1 << 31 else None
