"""What a launch asks for (Xinference's names), and the instance that it becomes."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from models.catalogue import find
from models.errors import InvalidRequest, UnsupportedParameter
from models.launching import hub
from models.modalities import THROUGH
from models.modalities.base import Bool, Int
from models.unicode import refuse_broken

UID = r"^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,99}$"
"""No slash and nothing else that a path or a label would have to escape."""

ENGINE_NAMES = {
    "echo": "echo",
    "diffusers": "diffusers",
    "faster_whisper": "faster_whisper",
    "faster-whisper": "faster_whisper",
    "whisper": "faster_whisper",
    "hibari": "hibari",
    "llama_cpp": "llama_cpp",
    "llama.cpp": "llama_cpp",
    "llamacpp": "llama_cpp",
    "sentence_transformers": "sentence_transformers",
    "sentence-transformers": "sentence_transformers",
    "transformers": "transformers",
    "vllm": "vllm",
}


_TEXT = ("chat", "completions", "tokenize", "detokenize")

SERVES: dict[str, tuple[str, ...]] = {
    "echo": _TEXT,
    "llama_cpp": _TEXT,
    "transformers": _TEXT,
    "vllm": _TEXT,
    "sentence_transformers": ("embeddings", "rerank"),
    "diffusers": ("images",),
    "faster_whisper": ("transcription",),
    "hibari": ("speech",),
}
"""The modalities of each engine, for those who cannot ask it: the gateway never imports one."""


ONLY: dict[str, str] = {"embedding": "embeddings", "rerank": "rerank"}
"""What a model of this type serves, of all that its engine could."""


TYPES: dict[str, frozenset[str]] = {
    "LLM": frozenset(["chat", "completions"]),
    "embedding": frozenset(["embeddings"]),
    "rerank": frozenset(["rerank"]),
    "image": frozenset(["images"]),
    "audio": frozenset(["speech", "transcription"]),
}
"""Xinference's types of models, and the modalities by which an engine has some."""


def serves(engine: str, model_type: str = "") -> tuple[str, ...]:
    """The modalities that a model of this type serves on this engine, other protocols over them included."""
    only = ONLY.get(model_type)
    found = (only,) if only else SERVES.get(engine, ())
    return (*found, *(name for name, through in THROUGH.items() if through in found))


class Launch(BaseModel):
    """Body of ``POST /v1/models``. Any further key is an option of the engine, which refuses those it lacks."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_name: str = Field(min_length=1, max_length=200, description="name in the catalogue, or your own")
    model_uid: Annotated[str, Field(pattern=UID)] | None = None
    model_type: Literal["LLM", "image", "audio", "embedding", "rerank"] = "LLM"
    model_engine: str | None = Field(None, max_length=40)
    model_format: str | None = Field(None, max_length=40)
    quantization: str | None = Field(None, max_length=40)
    model_size_in_billions: Annotated[str, Field(max_length=20)] | Int | float | None = None
    model_path: str | None = Field(
        None, min_length=1, max_length=1000, description="a path, hf:…, modelscope:… or pkg:…"
    )
    n_gpu: Literal["auto", "None"] | Annotated[Int, Field(ge=0)] | None = "auto"
    replica: Annotated[Int, Field(ge=1, le=64)] = 1
    request_limits: Annotated[Int, Field(ge=1, le=100_000)] | None = None
    trust_remote_code: Bool = False
    load_on_request: Bool = Field(False, description="load it when it is first asked for, not now")

    @model_validator(mode="before")
    @classmethod
    def _given(cls, value: Any) -> Any:
        """Without the options that are null, and those of Xinference's client that ask for nothing."""
        value = refuse_broken(value, nul=False)
        if not isinstance(value, dict):
            return value
        inert = {name for name, one in value.items() if name not in cls.model_fields and one is None}
        if value.get("n_worker") == 1:
            inert.add("n_worker")
        return {name: one for name, one in value.items() if name not in inert}

    @field_validator("model_uid", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @property
    def uid(self) -> str:
        """The uid to call the model by."""
        return self.model_uid or self.model_name

    @property
    def options(self) -> dict[str, Any]:
        """The keys that are the engine's."""
        return dict(self.model_extra or {})


def resolve(launch: Launch, *, trust_remote_code: bool) -> dict[str, Any]:
    """The instance row that a launch asks for. Raises InvalidRequest with the parameter at fault."""
    if launch.trust_remote_code and not trust_remote_code:
        raise InvalidRequest(
            "trust_remote_code needs HEADRACE_TRUST_REMOTE_CODE=true on the server", param="trust_remote_code"
        )
    if isinstance(launch.n_gpu, int) and launch.n_gpu > 1:
        raise UnsupportedParameter("a replica on several GPUs is not supported yet", param="n_gpu")
    engine = _engine(launch)
    if launch.model_path is not None:
        source, default, options, usual = launch.model_path, "", {}, ""
        hub.parse(source)
    else:
        spec = find(launch.model_name, engine, launch.model_format, launch.quantization)
        source, default, options, usual = spec.source, spec.engine, spec.options, spec.model_type
    engine = engine or default or _default(source, launch.model_type)
    model_type = _type(launch, engine, usual)
    if engine == "sentence_transformers":  # the one engine whose weights serve either
        options = options | {"modality": ONLY[model_type]}
    if not re.fullmatch(UID, launch.uid):
        raise InvalidRequest(
            f"'{launch.uid}' cannot be a uid: give model_uid, of letters, digits and ._:@+-", param="model_uid"
        )
    return {
        "uid": launch.uid,
        "model_name": launch.model_name,
        "model_type": model_type,
        "engine": engine,
        "model_format": launch.model_format,
        "quantization": launch.quantization,
        "size_in_billions": None if launch.model_size_in_billions is None else str(launch.model_size_in_billions),
        "source": source,
        "n_gpu": _gpus(launch.n_gpu),
        "replica": launch.replica,
        "request_limits": launch.request_limits,
        "trust_remote_code": launch.trust_remote_code,
        "load_on_request": launch.load_on_request,
        "options": options | launch.options,
    }


def _default(source: str, model_type: str) -> str:
    """The engine for weights of which no more is known than where they are, and what they are for."""
    if model_type in ONLY:
        return "sentence_transformers"
    return "llama_cpp" if source.endswith(".gguf") else "transformers"


def _type(launch: Launch, engine: str, usual: str) -> str:
    """The model's type: what its engine serves, the catalogue's if it has one.

    Raises InvalidRequest where the launch says otherwise.
    """
    modalities = serves(engine)
    types = [name for name, of in TYPES.items() if of & {*modalities}]
    if "model_type" not in launch.model_fields_set:
        return usual or types[0]
    if launch.model_type not in types:
        raise InvalidRequest(f"the engine {engine} serves models of type {' and '.join(types)}", param="model_type")
    return launch.model_type


def _engine(launch: Launch) -> str | None:
    if launch.model_engine is None:
        return None
    name = ENGINE_NAMES.get(launch.model_engine.lower())
    if name is None:
        known = ", ".join(sorted(set(ENGINE_NAMES.values())))
        raise InvalidRequest(f"there is no engine '{launch.model_engine}'; there are {known}", param="model_engine")
    return name


def _gpus(asked: str | int | None) -> str:
    """ "auto": a GPU where there is one; "0": the CPU; "1": a GPU."""
    return "0" if asked in (None, "None") else str(asked)
