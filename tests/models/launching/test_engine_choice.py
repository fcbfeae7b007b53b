"""The choice of an engine, as a table: what was seen, what the launch says, and what follows."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from models.engines import FACTS, ModelType, engine_named
from models.errors import InvalidRequest
from models.launching.engine_choice import choose, fits, pickles
from models.launching.peek import Peek

HERE = "/weights"


def folder(*files: str, heads: dict[str, bytes] | None = None, remote: bool = False, **documents: Any) -> Peek:
    """What a look at a folder shows; ``config`` and so on are its documents."""
    named = {f"{name}.json": document for name, document in documents.items()}
    return Peek(HERE, (*files, *named), heads or {}, named, remote=remote)


def network(name: str, *files: str, **documents: Any) -> Peek:
    """Safetensors of this network."""
    return folder("model.safetensors", *files, config={"architectures": [name]}, **documents)


def gguf(architecture: str, *, pooling: int | None = None) -> Peek:
    """A GGUF file that begins as real ones do."""
    key, value = b"general.architecture", architecture.encode()
    head = b"GGUF" + bytes(20) + len(key).to_bytes(8, "little") + key + b"\x08\0\0\0"
    header = {} if pooling is None else {f"{architecture}.pooling_type": pooling}
    head += len(value).to_bytes(8, "little") + value
    return Peek(HERE, ("a.gguf",), {"a.gguf": head}, single=True, header=header)


def pooled(architecture: str, pooling: int) -> Peek:
    """A GGUF file whose header was read, and names a pooling."""
    return replace(gguf(architecture), header={f"{architecture}.pooling_type": pooling})


PIPELINE = folder("unet/a.safetensors", model_index={"_class_name": "StableDiffusionPipeline"})
FILM = folder("transformer/a.safetensors", model_index={"_class_name": "WanPipeline"})
WHISPER = folder("model.bin", heads={"model.bin": b"\x06\0\0\0\x0c\0WhisperSpec\0"}, config={})
CHAT = network("Qwen3ForCausalLM")
BERT = network("BertModel")
EMBEDDER = network("BertModel", "modules.json")
CHATTY_EMBEDDER = network("Qwen3ForCausalLM", "modules.json")
CROSS = network("Qwen3ForCausalLM", "modules.json", config_sentence_transformers={"model_type": "CrossEncoder"})
SPARSE = network("BertForMaskedLM", "modules.json", config_sentence_transformers={"model_type": "SparseEncoder"})
COLBERT = network("HF_ColBERT")
PICKLED = folder(
    "pytorch_model.bin", "modules.json", "2_Dense/pytorch_model.bin", config={"architectures": ["BertModel"]}
)
PICKLED_BERT = folder("pytorch_model.bin", config={"architectures": ["BertModel"]})
PICKLED_CHAT = folder("pytorch_model-00001-of-00002.bin", config={"architectures": ["LlamaForCausalLM"]})
SCORER = network("BertForSequenceClassification")
HEARING = network("WhisperForConditionalGeneration")
STRANGE = folder("a.safetensors", config={"architectures": ["ChatGLMModel"], "auto_map": {"AutoModel": "m.ChatGLM"}})
DECODER = network("Qwen3Model")
SPEECH = folder(
    "a.safetensors",
    config={
        "architectures": ["Qwen3ASRForConditionalGeneration"],
        "model_type": "qwen3_asr",
        "audio_config": {"depth": 1},
    },
)
OMNI = folder("a.safetensors", config={"architectures": ["Qwen2_5OmniModel"], "thinker_config": {"audio_config": {}}})
TAGGER = network("BertForTokenClassification")
SORTING = network("WhisperForAudioClassification")
PART = folder("model.safetensors", config={"_class_name": "UNet2DConditionModel"})
DIFFUSED = folder("model.safetensors", config={"_class_name": "X", "architectures": ["LlamaForCausalLM"]})
ON_HUB = Peek("hf:org/name/a.gguf", ("a.gguf",), single=True, remote=True)
VOICES = folder("voice.onnx")
KOKORO = folder("onnx/model.onnx", "onnx/model_q4.onnx", "voices/af_heart.bin", config={})
PIPER_VOICE = {"audio": {"sample_rate": 22050}, "espeak": {"voice": "de"}, "phoneme_id_map": {}}
PIPER = replace(
    folder("de_DE-a-low.onnx", "de_DE-a-low.onnx.json", "voice.onnx.json"),
    documents={"de_DE-a-low.onnx.json": PIPER_VOICE, "voice.onnx.json": {"audio": {}}},
)
ADAPTER = folder("adapter_model.safetensors", adapter_config={"base_model_name_or_path": "org/base"})
ENCODER_ONNX = folder("model.onnx", config={"architectures": ["BertModel"]})
SHELF = folder("README.md", "a/config.json", "a/model.safetensors", "b/pytorch_model.bin")
"""Models in folders of their own."""


@pytest.mark.parametrize(
    ("seen", "engine", "model_type", "chosen"),
    [
        (PIPELINE, None, None, "diffusers image"),
        (PIPELINE, None, "image", "diffusers image"),
        (PIPELINE, "diffusers", None, "diffusers image"),
        (FILM, None, None, "diffusers video"),
        (FILM, "diffusers", None, "diffusers video"),
        (WHISPER, None, "audio", "faster_whisper audio"),
        (WHISPER, "faster_whisper", None, "faster_whisper audio"),
        (VOICES, None, "audio", "hibari audio"),
        (KOKORO, None, None, "kokoro audio"),
        (folder("kokoro-v1.0.onnx", "voices-v1.0.bin"), None, "audio", "kokoro audio"),
        (folder("model.onnx", "voices/jf_alpha.pt"), "kokoro", None, "kokoro audio"),
        (folder("model.sha256", "voices_ja.npz", "vocab.json"), None, None, "kokoro audio"),
        (folder("voices.json", "voice.onnx"), None, None, "hibari audio"),
        (PIPER, None, None, "piper audio"),
        (PIPER, "piper", "audio", "piper audio"),
        (replace(PIPER, documents={"voice.onnx.json": {"audio": {}}}), None, None, "hibari audio"),
        (SPEECH, None, None, "transformers LLM"),
        (SPEECH, None, "audio", "transformers audio"),
        (SPEECH, "transformers", "audio", "transformers audio"),
        (CHAT, None, None, "transformers LLM"),
        (CHAT, "vllm", None, "vllm LLM"),
        (CHAT, None, "embedding", "sentence_transformers embedding"),
        (CHAT, None, "rerank", "sentence_transformers rerank"),
        (STRANGE, None, None, "transformers LLM"),
        (DIFFUSED, None, None, "transformers LLM"),
        (BERT, None, None, "sentence_transformers embedding"),
        (network("BertLMHeadModel"), None, None, "transformers LLM"),
        (DECODER, None, None, "sentence_transformers embedding"),
        (OMNI, None, None, "transformers LLM"),
        (gguf("qwen3", pooling=0), None, None, "llama_cpp LLM"),
        (BERT, "sentence_transformers", None, "sentence_transformers embedding"),
        (EMBEDDER, None, None, "sentence_transformers embedding"),
        (CHATTY_EMBEDDER, None, None, "sentence_transformers embedding"),
        (CHATTY_EMBEDDER, None, "LLM", "transformers LLM"),
        (CHATTY_EMBEDDER, "vllm", None, "vllm LLM"),
        (CROSS, None, None, "sentence_transformers rerank"),
        (PICKLED, None, None, "sentence_transformers embedding"),
        (PICKLED_BERT, None, None, "sentence_transformers embedding"),
        (SCORER, None, None, "sentence_transformers rerank"),
        (SCORER, "sentence_transformers", None, "sentence_transformers rerank"),
        (HEARING, None, None, "faster_whisper audio"),
        (HEARING, "faster_whisper", "audio", "faster_whisper audio"),
        (gguf("llama"), None, None, "llama_cpp LLM"),
        (gguf("llama"), None, "embedding", "llama_cpp embedding"),
        (gguf("nomic-bert"), None, None, "llama_cpp embedding"),
        (pooled("bert", 2), None, None, "llama_cpp embedding"),
        (pooled("bert", 4), None, None, "llama_cpp rerank"),
        (pooled("qwen3", 3), None, None, "llama_cpp embedding"),
        (pooled("qwen3", 3), None, "LLM", "llama_cpp LLM"),
        (pooled("qwen3", 4), None, None, "llama_cpp rerank"),
        (ON_HUB, None, None, "llama_cpp LLM"),
        (ON_HUB, None, "rerank", "llama_cpp rerank"),
        (gguf("llama"), "transformers", None, "transformers LLM"),
        (folder("a.gguf", "mmproj-a.gguf"), None, None, "llama_cpp LLM"),
        (folder("a.gguf", "model.safetensors"), "llama_cpp", None, "llama_cpp LLM"),
        (None, None, None, "transformers LLM"),
        (None, None, "LLM", "transformers LLM"),
        (None, None, "image", "diffusers image"),
        (None, None, "video", "diffusers video"),
        (None, None, "embedding", "sentence_transformers embedding"),
        (None, "hibari", None, "hibari audio"),
    ],
)
def test_an_engine_is_chosen(seen: Peek | None, engine: str | None, model_type: ModelType | None, chosen: str) -> None:
    found = choose(HERE, seen, FACTS[engine] if engine else None, model_type)

    assert f"{found.engine.name} {found.model_type}" == chosen


def test_pickles_are_those_without_safetensors_beside_them() -> None:
    listed = (
        "model.safetensors",
        "pytorch_model.bin",
        "2_Dense/pytorch_model.bin",
        "onnx/model.bin",
        "training_args.bin",
    )
    assert pickles(listed) == ["2_Dense/pytorch_model.bin"]
    shards = ("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin")
    assert pickles(("config.json", *shards)) == list(shards)
    for name in ("pytorch", "safetensors"):
        assert choose(HERE, PICKLED, None, None, name).model_type == "embedding"
    with pytest.raises(InvalidRequest, match="not of the format 'gguf'"):
        choose(HERE, PICKLED, None, None, "gguf")


def test_without_a_look_the_suffix_tells_gguf() -> None:
    assert choose("/far/away.gguf", None, None, None).engine.name == "llama_cpp"
    assert choose("/far/away.gguf", None, None, "image").engine.name == "diffusers"
    with pytest.raises(InvalidRequest, match="no engine serves a GGUF file as a model of type audio"):
        choose("/far/away.gguf", None, None, "audio")


@pytest.mark.parametrize(
    ("seen", "engine", "model_type", "param", "message"),
    [
        (
            PIPELINE,
            "transformers",
            None,
            "model_engine",
            "/weights is a diffusers pipeline (StableDiffusionPipeline): use model_engine 'diffusers', or leave it out",
        ),
        (
            CHAT,
            "diffusers",
            None,
            "model_engine",
            "use model_engine 'transformers' or 'vllm', or leave it out",
        ),
        (
            WHISPER,
            "hibari",
            "audio",
            "model_engine",
            "(WhisperSpec): use model_engine 'faster_whisper'",
        ),
        (
            SCORER,
            "transformers",
            None,
            "model_engine",
            "use model_engine 'sentence_transformers'",
        ),
        (KOKORO, "hibari", None, "model_engine", "a folder of ONNX models: use model_engine 'kokoro', or leave it out"),
        (VOICES, "kokoro", None, "model_engine", "use model_engine 'hibari', or leave it out"),
        (PIPER, "hibari", None, "model_engine", "use model_engine 'piper', or leave it out"),
        (VOICES, "piper", None, "model_engine", "use model_engine 'hibari', or leave it out"),
        (folder("kokoro-v1_0.pth", "voices/af.pt"), None, None, "model_path", "there is kokoro-v1_0.pth"),
        (PIPELINE, None, "audio", "model_type", "a model of type image, not audio"),
        (PIPELINE, None, "video", "model_type", "a model of type image, not video"),
        (FILM, None, "image", "model_type", "(WanPipeline), a model of type video, not image"),
        (EMBEDDER, None, "rerank", "model_type", "a model of type embedding, not rerank"),
        (EMBEDDER, "sentence_transformers", "rerank", "model_type", "a model of type embedding, not rerank"),
        (PIPELINE, "transformers", "image", "model_engine", "use model_engine 'diffusers', or leave it out"),
        (None, "sentence_transformers", "LLM", "model_type", "serves models of type embedding and rerank"),
        (SPARSE, None, None, "model_path", "safetensors (SparseEncoder): it gives a weight for every word"),
        (COLBERT, None, None, "model_path", "safetensors (HF_ColBERT): it gives a vector for every token"),
        (COLBERT, "sentence_transformers", None, "model_engine", "it gives a vector for every token"),
        (PICKLED_CHAT, None, None, "model_path", "pickled tensors (LlamaForCausalLM): no engine serves that"),
        (BERT, None, "rerank", "model_type", "safetensors (BertModel), a model of type embedding, not rerank"),
        (BERT, "transformers", None, "model_engine", "use model_engine 'sentence_transformers'"),
        (TAGGER, None, None, "model_path", "safetensors (BertForTokenClassification): no engine serves that"),
        (
            PART,
            None,
            None,
            "model_path",
            "a part of a diffusers pipeline (UNet2DConditionModel): no engine serves that",
        ),
        (PIPELINE, "echo", None, "model_path", "the engine echo loads no weights: leave model_path out"),
        (None, "echo", None, "model_path", "the engine echo loads no weights"),
        (HEARING, None, "LLM", "model_type", "a model of type audio, not LLM"),
        (HEARING, "transformers", None, "model_engine", "use model_engine 'faster_whisper', or leave it out"),
        (SORTING, None, None, "model_path", "faster_whisper ct2 and safetensors"),
        (ENCODER_ONNX, None, None, "model_path", "a folder of ONNX models: no engine serves that"),
        (gguf("clip"), None, None, "model_path", "a GGUF file (clip): no engine serves that"),
        (pooled("bert", 4), None, "embedding", "model_type", "a model of type rerank, not embedding"),
        (pooled("bert", 1), None, "LLM", "model_type", "a model of type embedding, not LLM"),
        (folder("a.gguf", remote=True), None, None, "model_path", "name one: /weights/a.gguf"),
        (folder("mmproj-a.gguf"), None, None, "model_path", "there is mmproj-a.gguf; no engine serves that"),
        (folder("a.nemo"), None, None, "model_path", "there is a.nemo; no engine serves that"),
        (ADAPTER, None, None, "model_path", "/weights is an adapter of org/base: launch that model with this as an"),
        (ADAPTER, "transformers", None, "model_path", "is an adapter of org/base"),
        (folder("README.md"), "transformers", None, "model_path", "there is nothing of a model"),
        (folder(), None, "image", "model_path", "there is nothing of a model"),
        (SHELF, None, None, "model_path", "there is a/config.json, a/model.safetensors, b/pytorch_model.bin"),
        (SHELF, "transformers", None, "model_path", "no weights that we load in /weights"),
        (None, None, "audio", "model_engine", "cannot be seen from here"),
        (None, None, "audio", "model_engine", "give model_engine, 'transformers' or 'faster_whisper' or 'hibari'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    seen: Peek | None, engine: str | None, model_type: ModelType | None, param: str, message: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        choose(HERE, seen, FACTS[engine] if engine else None, model_type)

    assert caught.value.param == param
    assert message in caught.value.message


@pytest.mark.parametrize(("seen", "model_format"), [(CHAT, "ggufv2"), (gguf("llama"), "pytorch"), (PIPELINE, "AWQ")])
def test_a_format_that_contradicts_the_files_is_refused(seen: Peek, model_format: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        choose(HERE, seen, None, None, model_format)
    assert caught.value.param == "model_format"
    assert f"not of the format '{model_format}'" in caught.value.message


@pytest.mark.parametrize(("seen", "model_format"), [(CHAT, "gptq"), (gguf("llama"), "ggufv2"), (CHAT, "a-new-one")])
def test_a_format_that_the_files_may_have_is_taken(seen: Peek, model_format: str) -> None:
    assert choose(HERE, seen, None, None, model_format) == choose(HERE, seen, None, None)


def test_where_there_are_no_weights_the_format_is_not_to_blame() -> None:
    with pytest.raises(InvalidRequest) as caught:
        choose(HERE, folder("README.md"), None, None, "ggufv2")
    assert caught.value.param == "model_path"


def test_what_fits_is_served_by_its_engine() -> None:
    for seen in (PIPELINE, WHISPER, CHAT, BERT, EMBEDDER, CROSS, SCORER, STRANGE, VOICES, gguf("llama")):
        assert fits(seen)
        for fit in fits(seen):
            assert fit.model_type in fit.engine.serves
            assert fit.model_type in get_args(ModelType)


@pytest.mark.parametrize("name", ["llama-cpp", "llama.cpp", "llama_cpp", "Llama-CPP"])
def test_an_engine_is_known_however_its_name_is_written(name: str) -> None:
    assert engine_named(name) is FACTS["llama_cpp"]


@pytest.mark.parametrize("name", ["config.json", "model_index.json"])
def test_a_description_that_is_no_object_is_refused(name: str) -> None:
    with pytest.raises(InvalidRequest, match=f"/weights/{name} is not a JSON object"):
        choose(HERE, folder("model.safetensors", name), None, None)


def test_an_error_lists_no_folder_that_holds_no_model() -> None:
    with pytest.raises(InvalidRequest) as caught:
        choose(HERE, folder("id_rsa", ".netrc", "notes.txt"), None, None)
    assert "id_rsa" not in caught.value.message
    assert "notes" not in caught.value.message


@pytest.mark.parametrize(
    ("place", "model_type"),
    [
        ("hf:Qwen/Qwen3-Reranker-0.6B", "rerank"),
        ("/cache/models--mixedbread-ai--mxbai-rerank-base-v2/snapshots/0a1b", "rerank"),
        ("/models/rerankers/Qwen3-0.6B", "LLM"),
        ("/models/my-Qwen3-Embedding", "embedding"),
    ],
)
def test_of_what_could_be_several_its_name_tells_which(place: str, model_type: str) -> None:
    assert choose(place, replace(network("Qwen3ForCausalLM"), place=place), None, None).model_type == model_type


def test_a_pipeline_of_its_own_code_is_one_of_pictures() -> None:
    own = folder("unet/a.safetensors", model_index={"_class_name": ["pipeline", "MyPipeline"]})
    assert [one.model_type for one in fits(own)] == ["image"]
