"""What is vLLM's own. Runs in its environment, see test_environment.py."""

import asyncio
import base64
import io
import json
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from transformers import AutoTokenizer

from models.catalogue import find
from models.errors import ContextLengthExceeded, InvalidRequest, ModelNotFound, UnsupportedParameter
from models.launching import hub
from models.launching.options.vllm import arguments
from models.modalities.chat.messages import Media
from tests.engines.conftest import OPTIONS, resident, source_of
from tests.engines.driver import Answer, Driver
from tests.engines.nasty import HANGS, OVERFLOWS
from tests.glyphs import glyphworld as world
from tests.support.weights import llava_for_vllm
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.vllm import options
from workers.engines.vllm.arguments import described

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {
                "type": "object",
                "properties": {"city": {"type": "string", "maxLength": 12}},
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }
    for name in ("get_weather", "get_time")
]
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "maximum": 99}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


def calls(answer: Answer) -> list[tuple[str, Any]]:
    """The tool calls of the first choice: names and arguments, put together from their pieces."""
    found: dict[int, tuple[str, str]] = {}
    for piece in (one for delta in answer.deltas for one in delta.tools):
        name, arguments = found.get(piece.index, ("", ""))
        found[piece.index] = (name + piece.name, arguments + piece.arguments)
    return [(name, json.loads(arguments)) for name, arguments in found.values()]


async def refused(driver: Driver, kind: str = "chat", **fields: Any) -> Any:
    """The error with which a request ends, at once."""
    answer = driver.submit(kind, **fields)
    await driver.until_over(answer)
    assert not answer.deltas
    return answer.error


async def test_prompts_are_not_scored_beside_adapters(vllm: Driver) -> None:
    with pytest.raises(UnsupportedParameter) as caught:
        vllm.check("completions", prompt="x", echo=True, logprobs=1)

    assert caught.value.param == "echo"


@pytest.mark.parametrize(
    ("form", "value", "pattern"),
    [
        ("json", PERSON, r'\{\s*"name".*"age".*\}'),
        ("json_object", True, r"\{.*\}"),
        ("regex", "[a-c]{3}-[0-9]", r"[a-c]{3}-[0-9]"),
        ("choice", ["scarlet", "navy"], "scarlet|navy"),
        ("grammar", 'start: "yes" | "no"', "yes|no"),
        ("grammar", 'root ::= "yes" | "no"', "yes|no"),
    ],
)
async def test_an_answer_takes_the_form_asked_for(vllm: Driver, form: str, value: Any, pattern: str) -> None:
    fields = {"structured_outputs": {form: value}, "max_tokens": 120, "temperature": 0}
    for kind, prompt in (("chat", {"content": "Invent a person."}), ("completions", {"prompt": "A person:"})):
        answer = await vllm.ask(kind, **prompt, **fields)

        assert re.fullmatch(pattern, answer.text().strip(), re.S) or answer.finishes == {0: "length"}
        if form == "json":
            assert json.loads(answer.text()).keys() == {"name", "age"}


async def test_a_response_format_is_kept(vllm: Driver) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
    answer = await vllm.ask("chat", content="Invent a person.", response_format=form, max_tokens=120)

    assert json.loads(answer.text()).keys() == {"name", "age"}


@pytest.mark.parametrize(
    ("form", "value"),
    [
        ("json", {"type": "nonsense"}),
        ("json", {"type": "array", "maxItems": 1_000_000, "items": {"type": "string"}}),
        ("json", {"type": "array", "maxItems": 300_000, "items": {"type": "string"}}),
        ("json", {"allOf": [{"anyOf": [{"properties": {f"{key}{n}": {}}} for key in "pq"]} for n in range(30)]}),
        ("regex", "((("),
        ("grammar", "nonsense ((("),
    ],
)
async def test_what_cannot_be_compiled_is_refused_and_holds_up_nobody(vllm: Driver, form: str, value: Any) -> None:
    gaps = [0.0]

    async def watch() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - began)

    watching = asyncio.create_task(watch())
    error = await refused(vllm, content="Go", structured_outputs={form: value}, max_tokens=4)
    watching.cancel()

    assert isinstance(error, InvalidRequest)
    assert error.param == "structured_outputs"
    assert max(gaps) < 1.5


@pytest.mark.parametrize(
    "form",
    [
        {"regex": "((a{0,1000}){0,1000}){0,1000}"},
        {"regex": "(?:[a-z]{1,1000}[0-9]{1,1000}){1,1000}"},
        {"regex": ".*a.{500}b"},
        {"regex": r"[^\s\S]"},
        {"json": {"$ref": "#"}},
        {"json": {"type": "string", "pattern": "^(([a-z]{1,500}){1,500}){1,500}$"}},
        {"json": {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(1500)}}},
        {"json": HANGS},
        {"grammar": OVERFLOWS},
    ],
)
async def test_a_pathological_form_ends(vllm: Driver, form: dict[str, Any]) -> None:
    began = time.monotonic()
    answer = vllm.submit("chat", content="Go", structured_outputs=form, max_tokens=16)
    await vllm.until_over(answer)

    assert answer.error is None or isinstance(answer.error, InvalidRequest)
    assert time.monotonic() - began < 20
    assert (await vllm.ask("chat", content="Go", max_tokens=2)).usage is not None


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_time"}}])
async def test_a_tool_is_called_where_one_must_be(vllm: Driver, choice: Any) -> None:
    fields = {"tools": TOOLS, "tool_choice": choice, "parallel_tool_calls": False, "max_tokens": 120}
    answer = await vllm.ask("chat", content="What is the weather in Paris?", temperature=0, **fields)

    [(name, arguments)] = calls(answer)
    assert name in ("get_weather", "get_time") if choice == "required" else name == "get_time"
    assert arguments.keys() == {"city"}
    assert not answer.text().strip()
    assert answer.finishes[0] in ("tool_calls", "stop")
    assert len({piece.id for one in answer.deltas for piece in one.tools if piece.id}) == 1


async def test_vllm_stops_where_a_demanded_call_is_repeated(vllm: Driver) -> None:
    function = {"name": "hop", "parameters": {"properties": {"to": {"const": "left"}}, "required": ["to"]}}
    fields: dict[str, Any] = {"tools": [{"type": "function", "function": function}], "tool_choice": "required"}
    vocabulary = AutoTokenizer.from_pretrained(source_of("vllm")).get_vocab()
    fields["logit_bias"] = {str(id_): -100 for token, id_ in vocabulary.items() if "]" in token}  # the list never ends
    before = vllm.engine.counters()["tokens"]
    demanded = await vllm.ask("chat", content="Hop all day.", temperature=0, max_tokens=400, **fields)
    after = await vllm.ask("completions", prompt="1, 2,", ignore_eos=True, max_tokens=60)

    assert calls(demanded) == [("hop", {"to": "left"})]
    assert demanded.finishes == {0: "tool_calls"}
    assert demanded.usage is not None
    assert after.usage is not None
    made = vllm.engine.counters()["tokens"] - before
    assert made < demanded.usage.completion_tokens + after.usage.completion_tokens + 10


async def test_tools_may_be_left_alone(vllm: Driver) -> None:
    for choice in ("none", "auto"):
        answer = await vllm.ask("chat", content="Say hello.", tools=TOOLS, tool_choice=choice, max_tokens=8)

        assert answer.text().strip()
        assert not calls(answer)


async def test_a_prefix_is_read_from_the_cache(vllm: Driver) -> None:
    prompt = "The quick brown fox jumps over the lazy dog. " * 30
    first = await vllm.ask("completions", prompt=prompt, max_tokens=2)
    again = await vllm.ask("completions", prompt=prompt + "Then", max_tokens=2)

    assert first.usage is not None
    assert again.usage is not None
    assert first.usage.cached_tokens == 0
    assert 128 <= again.usage.cached_tokens < again.usage.prompt_tokens


async def test_an_adapter_answers_where_it_is_named(vllm: Driver) -> None:
    fields: dict[str, Any] = {"content": "Name three colours.", "temperature": 0, "max_tokens": 12}
    plain = await vllm.ask("chat", **fields)
    worn = await vllm.ask("chat", **fields, lora_name="random")
    again = await vllm.ask("chat", **fields)

    assert worn.text() != plain.text() == again.text()
    error = await refused(vllm, **fields, lora_name="unknown")
    assert isinstance(error, InvalidRequest)
    assert error.param == "lora_name"


async def test_an_answer_goes_on_where_it_was_left(vllm: Driver) -> None:
    turns = [{"role": "user", "content": "The sky?"}, {"role": "assistant", "content": "The sky is"}]
    fields: dict[str, Any] = {"messages": turns, "continue_final_message": True, "max_tokens": 4, "temperature": 0}
    answer = await vllm.ask("chat", **fields)

    assert answer.text()[:1] == " "


async def test_a_bias_decides(vllm: Driver) -> None:
    [token] = (await vllm.ask("tokenize", prompt=" Rome")).result.ids
    fields: dict[str, Any] = {"content": "Capital of France?", "max_tokens": 2, "temperature": 0}
    answer = await vllm.ask("chat", **fields, logit_bias={str(token): 100})

    assert answer.text() == " Rome Rome"


async def test_the_stop_that_ended_it_is_told(vllm: Driver) -> None:
    answer = await vllm.ask("completions", prompt="1, 2, 3, 4,", temperature=0, max_tokens=20, stop=[" 7"])

    assert answer.deltas[-1].stop == " 7"
    assert answer.deltas[0].prompt_tokens > 4


async def test_a_context_that_is_too_small_is_told_with_both_numbers(vllm: Driver) -> None:
    for words in (600, 60_000):  # vLLM counts the one, and only measures the other
        error = await refused(vllm, content="word " * words)

        assert isinstance(error, ContextLengthExceeded)
        assert "512" in error.message
        assert len(re.findall(r"\d+", error.message)) >= 2


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2, "temperature": 0}, "n"),
        ({"logit_bias": {"999999": 1}}, "logit_bias"),
        ({"stop_token_ids": [999999]}, "stop_token_ids"),
        ({"prompt": [999999]}, "prompt"),
        ({"prompt": [504] * 512}, "prompt"),
    ],
)
async def test_what_vllm_refuses_is_named(vllm: Driver, fields: dict[str, Any], param: str) -> None:
    error = await refused(vllm, "completions", **{"prompt": "x", "max_tokens": 4} | fields)

    assert isinstance(error, InvalidRequest)
    assert error.param == param
    if len(fields.get("prompt", ())) == 512:
        assert isinstance(error, ContextLengthExceeded)
        assert re.findall(r"\d+", error.message) == ["512", "512"]


async def test_a_picture_for_a_model_without_eyes_is_refused(vllm: Driver) -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
    picture = Media("image", "image/png", b"irrelevant")
    error = await refused(vllm, messages=[{"role": "user", "content": [part]}], media=[picture])

    assert isinstance(error, InvalidRequest)
    assert error.param == "messages"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def seeing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Driver]:
    """vLLM with a model that names coloured glyphs, and that is taken for one that thinks."""
    try:
        spec = find("glyphs-vision", None, None, None)
    except ModelNotFound as error:
        pytest.skip(str(error))
    source = hub.fetch(hub.parse(spec.source), Path(), lambda stage, fraction: None)
    folder = llava_for_vllm(source, tmp_path_factory.mktemp("seeing") / "model")
    options = {"max_model_len": 256, "tool_call_parser": None, "reasoning_parser": "qwen3"}
    async for driver in resident("vllm", source=str(folder), **options):
        yield driver


async def test_thoughts_are_told_apart_and_a_form_holds_without_any(seeing: Driver) -> None:
    fields: dict[str, Any] = {"structured_outputs": {"choice": ["scarlet", "navy"]}, "max_tokens": 12}
    thinking = await seeing.ask("chat", content="Which?", max_tokens=4)
    assert not thinking.text()
    assert "".join(delta.reasoning for delta in thinking.deltas)

    for kind, prompt in (("chat", {"content": "Which?", "enable_thinking": False}), ("completions", {"prompt": "A"})):
        answer = await seeing.ask(kind, **prompt, **fields)
        assert answer.text() in ("scarlet", "navy")


async def test_a_picture_is_seen(seeing: Driver) -> None:
    random = Random(5)
    right = 0
    for picture in [world.sample(random) for _ in range(12)]:
        file = io.BytesIO()
        Image.fromarray(picture.pixels).save(file, "png")
        shown = Media("image", "image/png", file.getvalue())
        url = f"data:image/png;base64,{base64.b64encode(shown.data).decode()}"
        content = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "What is in the image?"}]
        turns = [{"role": "user", "content": content}]
        answer = await seeing.ask(
            "chat", messages=turns, media=[shown], enable_thinking=False, temperature=0, max_tokens=16
        )
        right += picture.subject in answer.text().lower() and picture.colour in answer.text().lower()

    assert right >= 10


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"max_modle_len": 64}, "did you mean 'max_model_len'?"),
        ({"tensor_parallel": 2}, "tensor_parallel"),
        ({"download_dir": "/tmp"}, "Headrace's to set"),
        ({"worker_cls": "os.path"}, "trust_remote_code"),
        ({"load_format": "pt"}, "trust_remote_code"),
        ({"dtype": "float5"}, "dtype"),
        ({"max_model_len": -7}, "max_model_len"),
        ({"tool_call_parser": 3}, "tool_call_parser"),
        ({"tool_call_parser": "herms"}, "did you mean 'hermes'?"),
        ({"reasoning_parser": "qwen33"}, "did you mean 'qwen3'?"),
        ({"structured_outputs_config": {"reasoning_parser": "qwen33"}}, "did you mean 'qwen3'?"),
        ({"structured_outputs_config": {"bakend": "guidance"}}, "bakend"),
        ({"structured_outputs_config": "guidance"}, "must be an object"),
        ({"hf_overrides": '{"x": 1}'}, "must be an object"),
        ({"max_num_seqs": "many"}, "max_num_seqs"),
        ({"max_num_seqs": True}, "max_num_seqs"),
        ({"enforce_eager": "yes"}, "must be true or false"),
        ({"limit_mm_per_prompt": 3}, "limit_mm_per_prompt"),
        ({"kv_cache_dtype_skip_layers": {"a": 1}, "block_size": "x"}, "block_size"),
        ({"sleep_after_s": 60}, "leep"),
    ],
)
async def test_options_are_those_of_vllm(vllm: Driver, asked: dict[str, Any], said: str, tmp_path: Path) -> None:
    site = EngineSite(source_of("vllm"), "cpu", OPTIONS["vllm"] | asked)
    with pytest.raises((InvalidRequest, ValueError), match=re.escape(said)):
        engine_class("vllm").load(site, lambda stage, fraction: None)


async def test_the_arguments_that_the_gateway_knows_are_those_of_this_vllm() -> None:
    assert arguments() == described(), "python -m workers.engines.vllm.arguments"


async def test_options_are_read_as_vllms_command_line_would(vllm: Driver) -> None:
    from vllm.engine.arg_utils import AsyncEngineArgs  # needs what the engine has set up

    asked: dict[str, Any] = {
        "max_model_len": "1k",
        "reasoning_parser": "qwen3",
        "override_generation_config": {"top_k": 5},
    }
    asked |= {"cpu_offload_params": ["a"], "block_size": "32", "hf_overrides": {"x": 1}, "quantization": None}
    found = options.read(options.plan(asked, options.arguments(), trusted=False).engine)

    config = AsyncEngineArgs(model=source_of("vllm"), **found).create_engine_config()
    assert config.model_config.max_model_len == 1000
    assert config.cache_config.block_size == 32
    assert config.structured_outputs_config.backend == "guidance"
    assert config.structured_outputs_config.reasoning_parser == "qwen3"


async def test_tools_need_a_parser(vllm: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm.engine._serving, "tool_call_parser", None)  # type: ignore[attr-defined]
    error = await refused(vllm, content="x", tools=TOOLS)

    assert isinstance(error, UnsupportedParameter)
    assert error.param == "tools"
