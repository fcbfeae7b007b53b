"""Which engines run the weights of the catalogue: those families alone that the README's table shows. Pure.

What is not decided here has no engine, and a launch of it looks at its files, as for any path.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from models.launching.about import DRAWS, FILMS
from tests.families.listing.names import HEARING, SEEING, TEXT

Facts = Mapping[str, Any]

_NOT_COMPUTED = (
    *("mamba", "mamba2", "falcon_mamba", "rwkv", "xlstm", "minimax", "recurrent_gemma", "kimi_linear"),
    *("gpt_oss", "deepseek_v3", "deepseek_v32", "deepseek_v4", "minimax_m2", "mimo_v2_flash"),
)
"""Networks of the table that transformers does not compute here, or of which there are quantised weights alone."""

_DRAWN = {
    *DRAWS,
    *("AuraFlowPipeline", "BriaPipeline", "CogView4Pipeline", "HiDreamImagePipeline", "HunyuanDiTPipeline"),
    *("Krea2Pipeline", "Lumina2Pipeline", "PixArtSigmaPipeline", "SanaPipeline", "StableCascadeCombinedPipeline"),
}
_ALONE = ("FluxPipeline", "StableDiffusion3Pipeline", "QwenImagePipeline")
"""Pipelines of which the network alone is read from a GGUF file."""

_PIPELINES = {
    "Wan2.1-flf2v-14B-720p": "WanImageToVideoPipeline",
    "stable-diffusion-v1-5": "StableDiffusionPipeline",
}
"""The pipelines of families of which the facts name none."""

_EMBEDDERS = re.compile(
    r"(bge-(small|base|large)-|bge-m3|e5-(small|base|large)|e5-mistral|multilingual-e5|gte-(small|base|large)(-zh)?$|"
    r"gte-modernbert|snowflake-arctic-embed-(xs|s|m|l)$|snowflake-arctic-embed-(m-v1\.5|l-v2\.0)|m3e-|text2vec-base|"
    r"bce-embedding|Qwen3-Embedding|embeddinggemma|all-(MiniLM|mpnet)|multi-qa-(MiniLM|mpnet)|paraphrase-multilingual|"
    r"LaBSE|sentence-t5|gtr-t5|mxbai-embed-(large|xsmall)|UAE-Large|GIST-|modernbert-embed|potion-|M2V_|static-)"
)
"""Embedding models of the layouts of the table: BERT and its kin, Qwen3, Gemma, Mistral, T5, and static vectors."""

_RANKERS = re.compile(r"(bge-reranker-(base|large|v2-m3|v2-gemma)|bce-reranker|Qwen3-Reranker|mxbai-rerank)")
_OWN_CODE = re.compile(r"(jina-embeddings-v[23]|nomic-embed-text-v1)")
"""Embedding models that run with the code of their repository."""
_GGUF_VECTORS = re.compile(r"(bge-m3|Qwen3-Embedding|bge-reranker-v2-m3|Qwen3-Reranker)")
_ASR = re.compile(r"(Qwen3-ASR|Voxtral-Mini)")


@cache
def _by_transformers() -> frozenset[str]:
    """The classes of the networks of text, pictures and sound that the table shows on transformers."""
    from transformers.models.auto import modeling_auto as auto

    tables = (
        auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES,
        auto.MODEL_FOR_SPEECH_SEQ_2_SEQ_MAPPING_NAMES,
    )
    known = (*TEXT, *SEEING, *HEARING, "qwen2_5_omni_thinker")
    found = {str(names[kind]) for names in tables for kind in known if kind in names and kind not in _NOT_COMPUTED}
    return frozenset({*found, "Qwen2_5OmniModel", "Qwen2AudioForConditionalGeneration"})


def engines_of(family: Facts, spec: Facts, more: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The engines that run the weights, and those of them that need the repository's code.

    ``more`` is what is known of the family beside its facts.
    """
    match family["type"]:
        case "LLM":
            return _llm(family, spec)
        case "embedding":
            return _embedding(family["name"], spec)
        case "rerank":
            return _one(_vectors(spec) if _shown(family["name"], _RANKERS, spec) else "")
        case "audio":
            return _one(_audio(family, spec))
        case "image" | "video" as kind:
            return _one("diffusers" if _pipeline(kind, family["name"], spec, more) else "")
    return _one("")


def unserved(family: Facts, runs: bool) -> str:
    """Why none of our engines runs a family, where that is known from here; else ""."""
    if runs:
        return ""
    match family["type"]:
        case "audio":
            abilities = family.get("abilities", [])
            if str(family.get("family")).startswith("Kokoro"):
                return "its authors publish it as a pickle (.pth), which is not read"
            if "audio2text" in abilities and family.get("family") in (None, "whisper"):
                return ""
            if "audio2text" in abilities:
                return "its network of speech recognition is none that an engine here has"
            return "its network of sound is none that an engine here has"
        case "image":
            if "ocr" in family.get("abilities", []):
                return "it reads text in pictures, and models of type image draw them"
            return "its pipeline is none of those that the diffusers engine serves"
        case "video":
            return "its pipeline is none of those that the diffusers engine serves"
    return ""


def _llm(family: Facts, spec: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    told = spec.get("engines", [])
    if spec["format"] == "ggufv2":
        return (("llama_cpp",), ()) if "llama_cpp" in told else ((), ())
    found: list[str] = []
    code: list[str] = []
    if "vllm" in told:
        found.append("vllm")
        if family.get("custom_code", {}).get("vllm_tests_trust"):
            code.append("vllm")
    networks = _networks(family, spec)
    if "transformers" in told and spec["format"] == "safetensors" and networks and networks <= _by_transformers():
        found.append("transformers")
    return tuple(found), tuple(code)


def _networks(family: Facts, spec: Facts) -> set[str]:
    """The classes that the weights may be of: of a family with experts and without, those that its size has."""
    named = set(family.get("architecture", []))
    experts = {one for one in named if "moe" in one.lower()}
    return (experts if spec.get("activated_size") else named - experts) or named


def _embedding(name: str, spec: Facts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if _OWN_CODE.match(name) and spec["format"] == "safetensors":
        return ("sentence_transformers",), ("sentence_transformers",)
    return _one(_vectors(spec) if _shown(name, _EMBEDDERS, spec) else "")


def _shown(name: str, known: "re.Pattern[str]", spec: Facts) -> bool:
    return bool((_GGUF_VECTORS if spec["format"] == "ggufv2" else known).match(name))


def _vectors(spec: Facts) -> str:
    return "llama_cpp" if spec["format"] == "ggufv2" else "sentence_transformers"


def _audio(family: Facts, spec: Facts) -> str:
    if spec["format"] == "ct2" or (family.get("family") == "whisper" and family["name"].startswith("whisper-")):
        return "faster_whisper"
    return "transformers" if _ASR.match(family["name"]) and spec["format"] == "safetensors" else ""


def _pipeline(kind: str, name: str, spec: Facts, more: Facts) -> bool:
    pipeline = more.get("pipeline") or _PIPELINES.get(name)
    if spec.get("part"):
        return pipeline in _ALONE
    return pipeline in (FILMS if kind == "video" else _DRAWN)


def _one(engine: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return ((engine,), ()) if engine else ((), ())
