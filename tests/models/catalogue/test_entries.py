"""The data of the catalogue: each entry is whole, and each way to ask for it is one thing to fetch."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from models.catalogue import SPECS, entries
from models.catalogue.describing import in_chinese, in_english
from models.catalogue.entries import Family, families
from models.catalogue.names import Named
from models.catalogue.plans import Asked, Machine, plan
from models.catalogue.shipped import shipped_family
from models.engines import FACTS, MODEL_TYPES, ModelType
from models.errors import InvalidRequest
from models.launching import hub
from models.launching.engine_choice import _FORMATS
from models.launching.options.pipelines import DiffusersOptions, VideoOptions
from models.launching.options.vectors import SentenceTransformersOptions

DATA = Path(entries.__file__).parent / "families"
MOST_BYTES = 3 << 20
TRUSTED = Machine(trusts=True)

each_type = pytest.mark.parametrize("model_type", MODEL_TYPES)


def test_there_are_models_of_every_type() -> None:
    assert len(families()) >= 300
    assert {one.type for one in families()} == {*MODEL_TYPES}
    assert {ability for one in families() for ability in one.abilities} >= {
        *("chat", "vision", "audio", "reasoning", "tools", "embed", "rerank", "text2image", "text2video"),
        *("audio2text", "text2audio"),
    }


def test_no_name_is_there_twice() -> None:
    assert [key for key, count in Counter((one.type, one.name) for one in families()).items() if count > 1] == []
    aliases = Counter((one.type, alias) for one in families() for alias in one.aliases)
    assert [key for key, count in aliases.items() if count > 1] == []
    assert {one.name for one in families()} & {one.name for one in SPECS} == set()


def test_the_data_are_small_and_written_as_the_script_writes_them() -> None:
    files = sorted(DATA.iterdir())
    assert [one.stem for one in files] == sorted(MODEL_TYPES)
    assert sum(one.stat().st_size for one in files) < MOST_BYTES
    for file in files:
        for line in file.read_bytes().splitlines():
            assert msgspec.json.encode(msgspec.json.decode(line, type=Family)) == line


@each_type
def test_entries_are_whole(model_type: ModelType) -> None:
    for family in families(model_type):
        _is_whole(family)


def _is_whole(family: Family) -> None:
    assert family.specs, family.name
    assert family.abilities
    for spec in family.specs:
        assert spec.places()
        assert spec.quantizations
        assert {*spec.code} <= {*spec.engines}
        for engine in spec.engines:
            facts = FACTS[engine]
            read = {*facts.formats, *({"pytorch"} if "safetensors" in facts.formats else ())}
            assert family.type in facts.serves
            assert _FORMATS.get(spec.format, "safetensors") in read
        for place in spec.places().values():
            assert {*place.quantizations} <= {*spec.quantizations}
            assert {*place.parts} <= {*spec.quantizations}
            assert (spec.format == "ggufv2") == bool(place.file or place.parts)
    assert {*family.options} <= {*family.engines}
    assert not (family.unserved and family.engines)


@each_type
def test_each_size_format_and_quantisation_is_one_thing_to_fetch(model_type: ModelType) -> None:
    for family in families(model_type):
        _is_fetched_in_one_way(family)


def _is_fetched_in_one_way(family: Family) -> None:
    named = Named(family, family.specs)
    keys = [
        (spec.size, spec.format, quantization.lower()) for spec in family.specs for quantization in spec.quantizations
    ]
    assert len(keys) == len(set(keys))
    for spec in family.specs:
        for quantization in spec.quantizations:
            asked = Asked(spec.size, spec.format, quantization)
            if family.unserved:
                with pytest.raises(InvalidRequest, match="no engine here runs it"):
                    plan(named, asked, TRUSTED)
                continue
            made = plan(named, asked, TRUSTED)
            assert (made.size, made.model_format, made.quantization) == (spec.size, spec.format, quantization)
            place = next(one for one in spec.places().values() if one.has(quantization))
            source = hub.parse(made.source)
            assert (source.name, source.revision) == (place.repo.format(quantization=quantization), _told(place))
            assert "{" not in made.source
            wanted, _ = hub.patterns(source, engine=made.engine or "transformers")
            assert wanted


def _told(place: entries.Place) -> str | None:
    return place.revision if place.revision not in ("", "main", "master") else None


@each_type
def test_entries_are_described_in_both_languages(model_type: ModelType) -> None:
    for family in families(model_type):
        english, chinese = in_english(family), in_chinese(family)
        assert english.startswith(f"{family.name} is a")
        assert english.endswith(".")
        assert chinese.startswith(f"{family.name} 是")
        assert chinese.endswith("。")
        assert family.unserved in english
        assert ("没有引擎" in chinese) == bool(family.unserved)


_VLLM = {"tool_call_parser", "reasoning_parser", "tokenizer_mode", "chat_template_content_format"}
_VLLM |= {"config_format", "load_format"}


@each_type
def test_what_families_need_is_what_their_engines_take(model_type: ModelType) -> None:
    for family in families(model_type):
        for engine, options in family.options.items():
            if engine == "diffusers":
                (VideoOptions if model_type == "video" else DiffusersOptions).model_validate(options)
            elif engine == "sentence_transformers":
                SentenceTransformersOptions.model_validate(options)
            else:
                assert (engine, {*options} - _VLLM) == ("vllm", set())


def test_sentences_say_what_is_known() -> None:
    known = {(one.type, one.name): one for one in families()}
    assert in_english(known["LLM", "qwen2.5-instruct"]) == (
        "qwen2.5-instruct is a language model that chats, calls tools; 0.5 to 72 billion parameters; "
        "a context of 32768 tokens; for English, Chinese."
    )
    assert in_chinese(known["embedding", "bge-m3"]) == (
        "bge-m3 是文本嵌入模型，参数量 0.568B，向量 1024 维，上下文 8192 词元，语言：中文、英语。"  # noqa: RUF001
    )


def test_nothing_is_read_before_it_is_asked_for() -> None:
    script = """
import sys
import api.app, api.cli.models
from models.catalogue.entries import _shipped, families
assert _shipped.cache_info().currsize == 0
families("rerank")
assert _shipped.cache_info().currsize == 1
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=120)


def test_a_shipped_model_says_what_it_can_do_and_not_all_that_its_engine_serves() -> None:
    seeing = shipped_family("glyphs-vision", None)
    assert seeing is not None
    assert seeing.abilities == ("chat", "generate", "vision")
