"""The facts about every engine, for processes that do not import its class.

The gateway, the command line and the steward never import an engine: what they must know of it is in ``FACTS``, and
``tests/engines/test_facts.py`` compares that with the classes. A new fact about engines (an estimate of memory, the
options that a launch may set) becomes a field of ``EngineFacts``. The command line imports this module, so nothing that
is slow to import may be imported here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from models.errors import InvalidRequest
from models.launching.variants import VARIANTS

ModelType = Literal["LLM", "image", "audio", "video", "embedding", "rerank"]
"""Xinference's types of models."""

MODEL_TYPES: tuple[ModelType, ...] = get_args(ModelType)

Format = Literal["gguf", "safetensors", "pytorch", "diffusers", "ct2", "onnx"]
"""The formats of weights. ``pytorch`` is pickled tensors (``pytorch_model.bin``), which are read as data alone;
``diffusers`` is a folder with a ``model_index.json``, ``ct2`` a folder of CTranslate2."""

_TEXT = ("chat", "completions", "tokenize", "detokenize")
_TOOLS = ("tools", "reasoning", "hybrid")
_SENSES_AND_TOOLS = ("vision", "audio", *_TOOLS)

_SAFETENSORS = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken")
_PICKLES_AND_CODE = ("*.pt", "*.pth", "*.ckpt", "*.pkl", "*.py", "original/*", "consolidated*.safetensors")


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What is known of an engine without importing it.

    ``serves``: its model types, the usual one first, each with the modalities that such a model serves.
    ``formats``: the formats of weights that it reads; empty where it needs no weights.
    ``wanted``, ``unwanted``: patterns of the files to fetch from a repository on a hub, and of those among them not to
    fetch. If ``wanted`` is empty, it reads one file, which the launch must name.
    ``reads_code``: it runs a repository's Python files, which are fetched where an administrator trusts them.
    ``extra``: the extra of pyproject.toml that installs it.
    ``own_environment``: it is installed in a Python environment of its own, since its pins conflict with others', or
    its library is under a licence that we keep apart.
    ``libraries``: the modules that it imports.
    ``cpu_only``: it computes on the CPU, whatever device it is placed on; so it is placed on a CPU where there is one.
    ``many_gpus``: a model may take several GPUs; else more than one is refused.
    ``aliases``: other names by which a launch may call it.
    ``type_options``: engine options that follow from the model type.
    ``own_options``: options that it alone has, and that a launch may set for another engine by mistake.
    ``abilities``: what a model may be able to do on it beyond its modalities, in Xinference's words.
    ``context``: the option for the tokens of a request, and its default (None: what the model was trained for).
    """

    name: str
    serves: Mapping[ModelType, tuple[str, ...]]
    formats: tuple[Format, ...] = ()
    wanted: tuple[str, ...] = _SAFETENSORS
    unwanted: tuple[str, ...] = ("*.bin", *_PICKLES_AND_CODE)
    reads_code: bool = False
    extra: str = ""
    own_environment: bool = False
    libraries: tuple[str, ...] = ()
    cpu_only: bool = False
    many_gpus: bool = False
    aliases: tuple[str, ...] = ()
    type_options: Mapping[ModelType, Mapping[str, Any]] = field(default_factory=dict)
    own_options: tuple[str, ...] = ()
    abilities: tuple[str, ...] = ()
    context: tuple[str, int | None] | None = None

    @property
    def model_types(self) -> tuple[ModelType, ...]:
        """The types of models that it serves, the usual one first."""
        return tuple(self.serves)

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities that it has a method for."""
        return tuple(dict.fromkeys(name for names in self.serves.values() for name in names))


_ALL = (
    EngineFacts(
        "echo",
        {"LLM": _TEXT, "video": ("videos",)},
        many_gpus=True,
        type_options={"video": {"modality": "videos"}},
        abilities=_SENSES_AND_TOOLS,
        context=("context_length", 32_768),
    ),
    EngineFacts(
        "llama_cpp",
        {"LLM": _TEXT, "embedding": ("embeddings",), "rerank": ("rerank",)},
        formats=("gguf",),
        wanted=(),
        extra="llama-cpp",
        libraries=("xllamacpp", "llguidance"),
        many_gpus=True,
        aliases=("llama.cpp", "llamacpp"),
        type_options={"embedding": {"modality": "embeddings"}, "rerank": {"modality": "rerank"}},
        own_options=(
            "n_gpu_layers",
            "split_mode",
            "tensor_split",
            "main_gpu",
            "cache_type_k",
            "cache_type_v",
            "mmproj",
        ),
        abilities=("vision", *_TOOLS),
        context=("n_ctx", 4096),
    ),
    EngineFacts(
        "transformers",
        {"LLM": (*_TEXT, "transcription"), "audio": ("transcription",)},
        formats=("safetensors", "gguf"),
        reads_code=True,
        extra="transformers",
        libraries=("torch", "transformers", "accelerate", "llguidance"),
        abilities=_SENSES_AND_TOOLS,
        context=("n_ctx", 4096),
    ),
    EngineFacts(
        "vllm",
        {"LLM": _TEXT},
        formats=("safetensors", "gguf"),
        reads_code=True,
        extra="vllm",
        libraries=("torch", "vllm"),
        own_environment=True,
        many_gpus=True,
        own_options=("tensor_parallel_size", "pipeline_parallel_size", "max_model_len", "gpu_memory_utilization"),
        abilities=_SENSES_AND_TOOLS,
        context=("max_model_len", None),
    ),
    EngineFacts(
        "sentence_transformers",
        {"embedding": ("embeddings",), "rerank": ("rerank",)},
        formats=("safetensors", "pytorch"),
        reads_code=True,
        extra="sentence-transformers",
        libraries=("torch", "sentence_transformers"),
        aliases=("sentence-transformers",),
        type_options={"embedding": {"modality": "embeddings"}, "rerank": {"modality": "rerank"}},
        context=("max_length", None),
    ),
    EngineFacts(
        "diffusers",
        {"image": ("images",), "video": ("videos",)},
        formats=("diffusers", "gguf"),  # the second: a network alone, with the option base
        type_options={"video": {"modality": "videos"}},
        wanted=("model_index.json", *(f"*/{one}" for one in _SAFETENSORS)),
        unwanted=("*.bin", *_PICKLES_AND_CODE, *VARIANTS),
        extra="diffusers",
        libraries=("torch", "diffusers", "transformers", "av"),
    ),
    EngineFacts(
        "faster_whisper",
        {"audio": ("transcription",)},
        formats=("ct2", "safetensors"),  # the second is converted into the first
        wanted=("model.bin", "*.json", "*.txt", "*.safetensors"),  # a model.bin of CTranslate2 is no pickle
        unwanted=("*.fp32*", *_PICKLES_AND_CODE),
        extra="faster-whisper",
        libraries=("ctranslate2", "faster_whisper"),
        aliases=("faster-whisper", "whisper"),
    ),
    EngineFacts(
        "hibari",
        {"audio": ("speech",)},
        formats=("onnx",),
        wanted=("*.onnx", "*.json"),
        extra="hibari",
        libraries=("hibari", "av"),
        cpu_only=True,
    ),
    EngineFacts(
        "kokoro",
        {"audio": ("speech",)},
        formats=("onnx",),
        wanted=("*.onnx", "*.json", "voices*"),
        unwanted=("onnx/model.onnx", *(f"onnx/model_{one}.onnx" for one in ("fp16", "q4*", "q8f16", "uint8*"))),
        extra="kokoro",
        libraries=("onnxruntime", "hibari", "fugashi", "ipadic", "pypinyin", "rjieba", "av"),
        cpu_only=True,
    ),
    EngineFacts(
        "piper",
        {"audio": ("speech",)},
        formats=("onnx",),
        wanted=("*.onnx", "*.onnx.json"),
        extra="piper",
        libraries=("piper", "onnxruntime", "av"),
        own_environment=True,
        cpu_only=True,
    ),
)

FACTS: dict[str, EngineFacts] = {one.name: one for one in _ALL}
"""Every engine by its name. Where several could serve a model, the first of them is taken."""


def engine_named(name: str) -> EngineFacts | None:
    """The engine of this name or alias, case ignored, with ``-`` or ``.`` for ``_``; None if there is none."""
    wanted = _plain(name)
    return next((one for one in FACTS.values() if wanted in map(_plain, (one.name, *one.aliases))), None)


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def serving(model_type: ModelType) -> tuple[EngineFacts, ...]:
    """The engines that load weights of models of this type, the preferred one first."""
    return tuple(one for one in FACTS.values() if model_type in one.serves and one.formats)


_UNSERVED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("mamba", "mamba2", "falcon_mamba", "kimi_linear"), ("vllm", "llama_cpp")),
    "minimax": ("llama_cpp",),
    **dict.fromkeys(("rwkv", "xlstm", "recurrent_gemma"), ()),
}
"""Networks whose states the transformers engine cannot keep for several requests, and the engines that compute them."""


def refuse_unserved(place: str, config: Mapping[str, Any]) -> None:
    """Raise InvalidRequest for a network that transformers has, and the engine of that name does not compute.

    ``config`` is what its ``config.json`` says; ``place`` what messages call it.
    """
    kind = str(config.get("model_type"))
    able = ("vllm",) if kind == "falcon" and config.get("alibi") else _UNSERVED.get(kind)
    if able is None:
        return
    ways = {"vllm": "on vllm (model_engine 'vllm')", "llama_cpp": "from a GGUF file of it, on llama_cpp"}
    advice = f"launch it {' or '.join(ways[one] for one in able)}" if able else "no other engine here does, either"
    raise InvalidRequest(
        f"{place} is a network of type {kind}, which the transformers engine does not compute: {advice}",
        param="model_path" if not able else "model_engine",
    )
