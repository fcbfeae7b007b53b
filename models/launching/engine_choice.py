"""Which engine loads weights, and as a model of which type: decided from what a peek has seen of their files.

``models.launching.peek`` reads the files; the functions here are pure. Where nothing was seen, the model's type and the
suffix of the file decide, if they can.
"""

import re
from collections.abc import Collection
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from models.engines import FACTS, EngineFacts, Format, ModelType, refuse_unserved, serving
from models.errors import InvalidRequest
from models.launching.about import FILMS, has_styles, hears, suits, writes_down
from models.launching.hub import name_of
from models.launching.lone.networks import is_checkpoint, network_of, unread
from models.launching.peek import DOCUMENTS, Peek, refuse_fault

_WRITES_TEXT = (
    *("ForCausalLM", "ForConditionalGeneration", "LMHeadModel", "ModelWithLMHead", "GenerationDecoder"),
    *("ForVisionText2Text", "ForProteinText2Text"),
)
_ENCODER = re.compile(r"(Bert|Roberta|Electra|MPNet)\w*Model$|ForMaskedLM$", re.IGNORECASE)
"""Networks without a head that are made for embeddings, whoever's code they are."""
_OF_PARTS = ("auto_map", "vision_config", "audio_config", "thinker_config")
"""What configurations name whose networks may write text, whatever they are called."""
_GGUF_OF_NO_USE = ("t5encoder", "clip")
_WORDS: dict[ModelType, str] = {"embedding": "embed", "rerank": "rerank"}
_RANKS = 4
"""The pooling of a GGUF file whose network gives a score."""
_OTHER_OUTPUT: dict[str, str] = {
    "SparseEncoder": "it gives a weight for every word that it knows (as SPLADE), and an embedding is one dense vector",
    "MultiVectorEncoder": "it gives a vector for every token (as ColBERT), and an embedding is one vector",
    "HF_ColBERT": "it gives a vector for every token, and an embedding is one vector",
    "Router": "it computes queries by other modules than documents, and a request does not say which its texts are",
}
"""Networks, and models of sentence-transformers, that give something else than is served, and what."""
_PICKLE = re.compile(r"(?:[^/]+/)?pytorch_model(?:-\d+-of-\d+)?\.bin")
_MORE_TENSORS = ("sparse_linear.pt", "colbert_linear.pt")
"""bge-m3's layers for weights and vectors of tokens, which are pickled in any case."""
_MODEL_FILES = (
    *(".bin", ".pt", ".pth", ".ckpt", ".safetensors", ".nemo", ".gguf", ".onnx", ".h5", ".msgpack"),
    *("config.json", "model_index.json"),
)
"""Endings of the names that an error may list of a folder. If it listed all, a launch could show any folder's files."""


_FORMATS: dict[str, Format] = {
    **dict.fromkeys(("safetensors", "pytorch", "awq", "gptq", "fp8", "fp4", "bnb"), "safetensors"),
    **dict.fromkeys(("gguf", "ggufv2", "ggufv3"), "gguf"),
    **{name: name for name in ("diffusers", "ct2", "onnx")},
}
"""The formats of files, by the names that a launch may give as ``model_format``; most of them are Xinference's."""


class Fit(NamedTuple):
    """An engine that loads certain weights, and the type of the model that they then are."""

    engine: EngineFacts
    model_type: ModelType


def choose(
    source: str,
    peek: Peek | None,
    engine: EngineFacts | None,
    model_type: ModelType | None,
    model_format: str | None = None,
) -> Fit:
    """The engine and the model type for a launch of these weights; the launch may name either of the two.

    ``model_format`` is a description: a name that we do not know is taken, one that contradicts the files is not.
    Raises InvalidRequest where no engine serves them, where they are evidently not what the launch names, and where
    neither the files nor the launch decide.
    """
    if engine is not None and not engine.formats:
        raise InvalidRequest(f"the engine {engine.name} loads no weights: leave model_path out", param="model_path")
    if peek is not None:
        _refuse_broken(peek)
        refuse_fault(peek)
    if peek is not None and model_format is not None:
        _refuse_format(peek, model_format)
    if peek is None:
        return _guess(source, engine, model_type)
    if engine is not None:
        refuse_misfit(peek, engine)  # before the type: it names the engine that fits
        type_on(engine, model_type)
    return _fitting(peek, engine, model_type)


def on_vllm(fit: Fit, peek: Peek) -> Fit:
    """vLLM in the place of transformers, where it loads these weights as the same type of model; else the same fit.

    Not for models that are made to write down what is said: on vLLM they have no endpoint for that.
    """
    better = Fit(FACTS["vllm"], fit.model_type)
    able = fit.engine.name == "transformers" and not writes_down(_config(peek))
    return better if able and better in fits(peek) else fit


def type_on(engine: EngineFacts, model_type: ModelType | None) -> ModelType:
    """The type of a model on this engine: as asked for, else the engine's usual one. Raises InvalidRequest."""
    if model_type is None:
        return engine.model_types[0]
    if model_type not in engine.serves:
        types = " and ".join(engine.model_types)
        raise InvalidRequest(f"the engine {engine.name} serves models of type {types}", param="model_type")
    return model_type


def fits(peek: Peek) -> tuple[Fit, ...]:
    """Every type of model that the weights may be, with every engine for it; the likeliest and preferred ones first."""
    formats = formats_of(peek)
    return tuple(
        Fit(engine, model_type)
        for written in formats
        for model_type in _types(peek, written)
        for engine in serving(model_type)
        if written in engine.formats
        and (model_type != "audio" or suits(engine.name, written, _architecture(peek), peek))
    )


def refuse_misfit(peek: Peek, engine: EngineFacts) -> None:
    """Raise InvalidRequest where no engine loads such weights, or where they are evidently those of another engine."""
    refuse_fault(peek)
    formats = formats_of(peek)
    if not formats:
        raise _nothing(peek)
    possible = fits(peek)
    if engine.name == "transformers":
        refuse_unserved(peek.place, _config(peek))
    known = bool(_other_output(peek)) or any(_types(peek, written) for written in formats)
    if any(one.engine is engine for one in possible) or (not known and set(formats) & set(engine.formats)):
        return
    names = " or ".join(f"'{one.engine.name}'" for one in possible if one.model_type == possible[0].model_type)
    advice = f"use model_engine {names}, or leave it out" if possible else _other_output(peek) or _what_is_read()
    raise InvalidRequest(f"{peek.place} is {description(peek)}: {advice}", param="model_engine")


def _refuse_broken(peek: Peek) -> None:
    """Raise InvalidRequest where a file that describes the weights is there, and is no JSON object."""
    for name in DOCUMENTS:
        if name in peek.files and name not in peek.documents and not peek.remote:
            raise InvalidRequest(f"{peek.place}/{name} is not a JSON object", param="model_path")


def _refuse_format(peek: Peek, model_format: str) -> None:
    """Raise InvalidRequest where the weights are there, but not in this format."""
    written, there = _FORMATS.get(model_format.lower()), formats_of(peek)
    pickled = written == "safetensors" and "pytorch" in there
    if there and written not in (None, *there) and not pickled:
        raise InvalidRequest(
            f"{peek.place} is {description(peek)}, not of the format '{model_format}': leave model_format out",
            param="model_format",
        )


def formats_of(peek: Peek) -> tuple[Format, ...]:
    """The formats in which the weights are there, the preferred one first."""
    if peek.single and peek.files[0].endswith(".safetensors"):
        return ("diffusers",) if peek.remote or is_checkpoint(peek) or lone_network(peek) else ()
    if peek.single:
        head = peek.heads.get(peek.files[0])
        gguf = peek.files[0].endswith(".gguf") if head is None else head.startswith(b"GGUF")
        return ("gguf",) if gguf else ()
    if "model_index.json" in peek.files:
        return ("diffusers",)
    if peek.is_adapter:
        return ()
    one_model = any(name.endswith((".json", *_MODEL_FILES)) for name in peek.files if "/" not in name)
    there: dict[Format, bool] = {  # what has nothing of a model but in its folders is a shelf of several
        "safetensors": one_model and any(name.endswith(".safetensors") for name in peek.files),
        "pytorch": one_model and any(_PICKLE.fullmatch(name) for name in pickles(peek.files)),
        "gguf": bool(peek.ggufs) and not peek.remote,  # on a hub, a launch must name one GGUF file itself
        "ct2": "model.bin" in peek.files and specification(peek) is not None,
        "onnx": has_styles(peek.files) or any(name.endswith(".onnx") for name in peek.files if "/" not in name),
    }
    return tuple(written for written, is_there in there.items() if is_there)


def pickles(files: Collection[str]) -> list[str]:
    """The files of pickled tensors to read: those without safetensors beside them, and bge-m3's layers."""
    safe = {str(PurePosixPath(name).parent) for name in files if name.endswith(".safetensors")}
    found = [name for name in files if _PICKLE.fullmatch(name)]
    more = [name for name in _MORE_TENSORS if name in files]
    return [name for name in found if str(PurePosixPath(name).parent) not in safe] + more


def specification(peek: Peek) -> str | None:
    """The name of the specification in the header of a CTranslate2 ``model.bin``, such as ``WhisperSpec``.

    The header is a version, the length of that name, and the name. "" where the header was not read, None where the
    file is not CTranslate2's.
    """
    head = peek.heads.get("model.bin")
    if head is None:
        whisper = {"lang_ids", "suppress_ids"} & _config(peek).keys()
        return "WhisperSpec" if whisper else ""
    version, length = int.from_bytes(head[:4], "little"), int.from_bytes(head[4:6], "little")
    name = head[6 : 6 + length].rstrip(b"\0")
    return name.decode("latin-1") if version in range(1, 100) and name.endswith(b"Spec") else None


def description(peek: Peek) -> str:
    """What the weights are, in words."""
    formats = formats_of(peek)
    match formats[0] if formats else None:
        case "diffusers" if peek.single:
            alone = lone_network(peek)
            return f"the network of {alone} alone" if alone else "a checkpoint of Stable Diffusion"
        case "diffusers":
            return "a diffusers pipeline" + _in_brackets(peek.documents.get("model_index.json", {}).get("_class_name"))
        case "gguf":
            return f"a GGUF file{_in_brackets(peek.gguf_architecture)}"
        case "ct2":
            return f"a model of CTranslate2{_in_brackets(specification(peek))}"
        case "onnx":
            return "a folder of ONNX models"
        case _:
            if part := _pipeline_part(peek):
                return f"a part of a diffusers pipeline{_in_brackets(part)}"
            written = "pickled tensors" if formats == ("pytorch",) else "safetensors"
            return f"{written}{_in_brackets(_sentence_model(peek) or _architecture(peek))}"


def _fitting(peek: Peek, engine: EngineFacts | None, model_type: ModelType | None) -> Fit:
    """The likeliest engine and type that fit both the files and the launch. Raises InvalidRequest."""
    if not formats_of(peek):
        raise _nothing(peek)
    possible = [one for one in fits(peek) if engine is None or one.engine is engine]
    if not possible and engine is not None:  # the files do not decide, so that the launch does
        return Fit(engine, type_on(engine, model_type))
    if not possible:
        why = _other_output(peek) or _what_is_read()
        raise InvalidRequest(f"{peek.place} is {description(peek)}: {why}", param="model_path")
    fitting = [one for one in possible if model_type in (None, one.model_type)]
    if not fitting:
        types = " or ".join(dict.fromkeys(one.model_type for one in possible))
        raise InvalidRequest(
            f"{peek.place} is {description(peek)}, a model of type {types}, not {model_type}", param="model_type"
        )
    return fitting[0]


def _types(peek: Peek, written: Format) -> tuple[ModelType, ...]:
    """The types of model that weights in this format may be, the likeliest first."""
    match written:
        case "diffusers":
            films = str(peek.documents.get("model_index.json", {}).get("_class_name")) in FILMS  # a list names code
            return ("video",) if films else ("image",)
        case "gguf":
            return _types_of_gguf(peek)
        case "ct2":
            return ("audio",) if specification(peek) == "WhisperSpec" else ()
        case "onnx":
            return () if _architecture(peek) else ("audio",)
        case "safetensors":
            return _types_of_safetensors(peek)
        case "pytorch":
            types = _types_of_safetensors(peek)
            return () if "LLM" in types[:1] else tuple(one for one in types if one != "LLM")


def _types_of_gguf(peek: Peek) -> tuple[ModelType, ...]:
    """By the pooling that the header names: one vector, a score, or, of most models that write, none."""
    network = peek.gguf_architecture
    if network in _GGUF_OF_NO_USE or unread(network):
        return ()
    if lone_network(peek):
        return ("image",)
    if peek.remote or not network:
        return ("LLM", "embedding", "rerank", "image")
    match peek.header.get(f"{network}.pooling_type"):
        case int(pooling) if pooling == _RANKS:
            return ("rerank",)
        case int(pooling) if pooling > 0:
            return ("embedding",) if "bert" in network else ("embedding", "LLM")
        case _:
            return ("embedding",) if "bert" in network else ("LLM", "embedding")


def _types_of_safetensors(peek: Peek) -> tuple[ModelType, ...]:
    saved_as, network = _sentence_model(peek), _architecture(peek)
    if not network and _pipeline_part(peek):
        return ()
    text: tuple[ModelType, ...] = ("LLM",) if writes_text(network) else ()
    if network.startswith("Whisper"):
        return ("audio",) if network == "WhisperForConditionalGeneration" else ()
    if _other_output(peek):
        return ()
    if saved_as == "CrossEncoder":
        return ("rerank", *text)
    if saved_as:
        return ("embedding", *text)
    if network.endswith("ForSequenceClassification"):
        return ("rerank",)
    if not text and _ENCODER.search(network):
        return ("embedding",)
    if not network or text or any(_config(peek).get(name) for name in _OF_PARTS):
        sound: tuple[ModelType, ...] = ("audio",) if hears(_config(peek)) else ()
        possible: tuple[ModelType, ...] = ("LLM", "embedding", "rerank", *sound)
        name = name_of(PurePosixPath(peek.place)).lower()  # of a reranker that is an LLM nothing else tells
        return tuple(sorted(possible, key=lambda one: _WORDS.get(one, "/") not in name))
    return ("embedding",) if network.endswith("Model") else ()


def writes_text(network: str) -> bool:
    """Whether a network of this class continues a text, as its name says."""
    return network.endswith(_WRITES_TEXT)


def _other_output(peek: Peek) -> str:
    """Why this kind of network is served by no engine; "" for others."""
    other = _OTHER_OUTPUT.get(_sentence_model(peek)) or _OTHER_OUTPUT.get(_architecture(peek), "")
    return other or unread(peek.gguf_architecture)


def lone_network(peek: Peek) -> str:
    """What the network belongs to that lies alone in a file, without its pipeline; "" where it is none that draws."""
    return network_of(peek, peek.gguf_architecture)


def _sentence_model(peek: Peek) -> str:
    """The kind of a model saved by sentence-transformers, such as ``CrossEncoder``; "" for others."""
    if any(name.endswith((".Router", ".Asym")) for name in peek.modules):
        return "Router"
    kind = peek.documents.get("config_sentence_transformers.json", {}).get("model_type")
    return str(kind) if kind else "SentenceTransformer" if "modules.json" in peek.files else ""


def _pipeline_part(peek: Peek) -> str:
    """The class of a part of a diffusers pipeline, such as ``UNet2DConditionModel``; "" for what is none."""
    return str(_config(peek).get("_class_name") or "")


def _config(peek: Peek) -> dict[str, Any]:
    return peek.documents.get("config.json", {})


def _architecture(peek: Peek) -> str:
    """The network's class that ``config.json`` names; "" where it names none."""
    names = _config(peek).get("architectures")
    return str(names[0]) if isinstance(names, list) and names else ""


def _in_brackets(text: object) -> str:
    """The text in brackets, cut to 60 characters, since it comes from a file; "" for nothing."""
    return f" ({str(text)[:60]})" if text else ""


def _what_is_read() -> str:
    read = ", ".join(f"{one.name} {' and '.join(one.formats)}" for one in FACTS.values() if one.formats)
    return f"no engine serves that (there are {read})"


def _nothing(peek: Peek) -> InvalidRequest:
    if peek.single and peek.files[0].endswith(".safetensors"):
        return InvalidRequest(
            f"{peek.place} is no whole checkpoint of Stable Diffusion 1, 2 or XL: launch the folder that a model is "
            "in; a LoRA is an option of another model (loras)",
            param="model_path",
        )
    if peek.single:
        return InvalidRequest(f"{peek.place} is not a GGUF file", param="model_path")
    if peek.is_adapter:
        base = peek.documents.get("adapter_config.json", {}).get("base_model_name_or_path")
        of = f" of {str(base)[:96]}" if base else ""
        advice = "launch that model with this as an option (lora_modules on vllm, loras on diffusers)"
        return InvalidRequest(f"{peek.place} is an adapter{of}: {advice}", param="model_path")
    ggufs = peek.ggufs
    there = ggufs or sorted(name for name in peek.files if name.endswith(_MODEL_FILES))
    names = ", ".join(there[:8]) or "nothing of a model"
    hint = f"name one: {peek.place}/{ggufs[0]}" if ggufs else _what_is_read()
    return InvalidRequest(f"no weights that we load in {peek.place}: there is {names}; {hint}", param="model_path")


def _guess(source: str, engine: EngineFacts | None, model_type: ModelType | None) -> Fit:
    """The choice where the files cannot be seen from here: by the model type and the suffix. Raises InvalidRequest."""
    if engine is not None:
        return Fit(engine, type_on(engine, model_type))
    wanted = model_type or "LLM"
    gguf = source.endswith(".gguf")
    engines = [one for one in serving(wanted) if ("gguf" in one.formats if gguf else one.formats != ("gguf",))]
    if not engines or (gguf and wanted == "audio"):  # what hears is read from safetensors alone
        raise InvalidRequest(f"no engine serves a GGUF file as a model of type {wanted}", param="model_type")
    if not set.intersection(*(set(one.formats) for one in engines)):
        names = " or ".join(f"'{one.name}'" for one in engines)
        raise InvalidRequest(
            f"the files of {source} cannot be seen from here, so that they do not say which engine serves them: "
            f"give model_engine, {names}",
            param="model_engine",
        )
    return Fit(engines[0], wanted)
