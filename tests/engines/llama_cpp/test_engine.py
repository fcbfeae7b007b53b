"""What is llama.cpp's own."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from models.errors import InvalidRequest
from tests.engines.driver import Driver
from workers.engines import engine_class
from workers.engines.base import EngineSite

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

_PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "maximum": 99}},
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(("own", "spins"), [({}, "2000"), ({"GOMP_SPINCOUNT": "7"}, "7")])
async def test_threads_do_not_wait_long_for_cores_that_others_have(own: dict[str, str], spins: str) -> None:
    if sys.platform != "linux":
        pytest.skip("llama.cpp's builds have OpenMP on Linux alone")
    loading = "from workers.engines.llama_cpp.load import serve; import xllamacpp"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "GOMP_"))}
    environment |= {"OMP_DISPLAY_ENV": "verbose"} | own
    command = [sys.executable, "-c", loading]
    done = await asyncio.to_thread(subprocess.run, command, env=environment, capture_output=True, text=True, check=True)
    assert f"GOMP_SPINCOUNT = '{spins}'" in done.stderr, "what the library has read"


async def test_a_request_of_many_choices_does_not_hold_up_others(llama_cpp: Driver) -> None:
    many = llama_cpp.submit("completions", prompt="The sea", n=64, max_tokens=16, ignore_eos=True)
    await llama_cpp.until_said(many, 1)
    await llama_cpp.ask("completions", prompt="A cat", max_tokens=1)

    assert not many.over.is_set()
    assert len(many.finishes) < 32
    llama_cpp.engine.abort(many.rid)


async def test_the_bytes_of_pieces_of_characters_are_told(llama_cpp: Driver) -> None:
    prompt = "Repeat: 😀😀😀😀😀😀😀"
    answer = await llama_cpp.ask("completions", prompt=prompt, max_tokens=6, logprobs=5, temperature=0)

    tokens = answer.logprobs()
    assert len(tokens) == 6
    assert bytes(octet for one in tokens for octet in one.octets).decode() == answer.text() == "😀😀"
    whole = await llama_cpp.ask("completions", prompt=f"{prompt}😀😀", echo=True, logprobs=5, max_tokens=0)
    assert [one.octets for one in tokens] == [one.octets for one in whole.logprobs()[-6:]]
    assert [one.logprob for one in tokens] == pytest.approx([one.logprob for one in whole.logprobs()[-6:]], abs=0.05)
    broken = [other for one in tokens for other in one.top if "\ufffd" in other.token]
    assert broken
    assert not any(bytes(one.octets).decode(errors="ignore") for one in broken)


async def test_a_chats_tokens_are_whole_characters_together(llama_cpp: Driver) -> None:
    messages = [{"role": "user", "content": "Laugh."}, {"role": "assistant", "content": "😀😀😀😀😀😀"}]
    fields: dict[str, Any] = {"continue_final_message": True, "logprobs": True, "top_logprobs": 2}
    answer = await llama_cpp.ask("chat", messages=messages, **fields, max_tokens=9, temperature=0)

    assert "😀" in answer.text()
    assert answer.usage is not None
    tokens = answer.logprobs()
    assert len(tokens) == answer.usage.completion_tokens
    assert bytes(octet for one in tokens for octet in one.octets).decode() == answer.text()


@pytest.mark.parametrize("kind", ["chat", "completions"])
async def test_tokens_that_end_within_a_character_have_their_log_probabilities(llama_cpp: Driver, kind: str) -> None:
    fields: dict[str, Any] = {"content": "Say it.", "logprobs": True, "top_logprobs": 3}
    if kind == "completions":
        fields = {"prompt": "Say it:", "logprobs": 3, "max_tokens": 40}
    said = "🦊漢字é ☃🦊"
    answer = await llama_cpp.ask(kind, **fields, structured_outputs={"choice": [said]}, temperature=0)

    assert answer.text() == said
    assert answer.usage is not None
    tokens = answer.logprobs()
    assert len(tokens) == answer.usage.completion_tokens - 1  # that which ends the text has none
    assert bytes(octet for one in tokens for octet in one.octets).decode() == said
    assert all(len(one.top) == 3 for one in tokens)


async def test_an_answer_follows_a_json_schema(llama_cpp: Driver) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": _PERSON}}
    answer = await llama_cpp.ask("chat", content="Invent a person.", response_format=form, max_tokens=80)

    person = json.loads(answer.text())
    assert person.keys() == {"name", "age"}
    assert isinstance(person["age"], int)


async def test_an_answer_is_json(llama_cpp: Driver) -> None:
    form = {"type": "json_object"}
    answer = await llama_cpp.ask("chat", content="A JSON object.", response_format=form, max_tokens=40)

    assert answer.text().lstrip().startswith("{")


async def test_a_bad_schema_is_refused(llama_cpp: Driver) -> None:
    form = {"type": "json_schema", "json_schema": {"strict": True, "schema": {"type": "nonsense"}}}
    answer = llama_cpp.submit("chat", content="x", response_format=form)
    await llama_cpp.until_over(answer)

    assert type(answer.error) is InvalidRequest
    assert answer.error.param == "response_format"


async def test_a_prompt_is_read_once(llama_cpp: Driver) -> None:
    fields: dict[str, Any] = {"content": "Why is the night sky dark? " * 5, "max_tokens": 1}
    await llama_cpp.ask("chat", **fields)
    again = await llama_cpp.ask("chat", **fields)

    assert again.usage is not None
    assert again.usage.cached_tokens >= again.usage.prompt_tokens - 2


async def test_more_choices_than_slots_are_made(llama_cpp: Driver) -> None:
    answer = await llama_cpp.ask("chat", content="Hi.", n=9, max_tokens=2, ignore_eos=True)

    assert answer.finishes == dict.fromkeys(range(9), "length")


async def until_busy(driver: Driver, slots: int) -> None:
    """Wait until so many slots of the server are taken."""
    engine: Any = driver.engine
    async with asyncio.timeout(60):
        while sum(one["is_processing"] for one in await asyncio.to_thread(engine._http.ask, "/slots")) != slots:
            await asyncio.sleep(0.01)


async def test_an_abort_frees_the_slot(llama_cpp: Driver) -> None:
    engine: Any = llama_cpp.engine
    running = [
        llama_cpp.submit("chat", content=f"Story {number}.", max_tokens=400, ignore_eos=True) for number in range(4)
    ]
    waiting = llama_cpp.submit("chat", content="One more.", max_tokens=400, ignore_eos=True)
    for answer in running:
        await llama_cpp.until_said(answer, 2)

    for answer in [waiting, *running]:
        llama_cpp.engine.abort(answer.rid)

    await until_busy(llama_cpp, 0)
    slots = await asyncio.to_thread(engine._http.ask, "/slots")
    assert max(slot["n_prompt_tokens"] for slot in slots) < 200, "one went on to its 400 tokens"
    assert not waiting.deltas


async def test_a_long_prompt_can_be_aborted_while_it_is_read(llama_cpp: Driver) -> None:
    answer = llama_cpp.submit("completions", prompt="sea " * 480, max_tokens=400, ignore_eos=True)
    await until_busy(llama_cpp, 1)
    llama_cpp.engine.abort(answer.rid)

    await llama_cpp.ask("chat", content="Hi.", max_tokens=1)
    assert not answer.deltas


async def test_a_file_that_is_not_gguf_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fake.gguf").write_bytes(b"pickle")

    for source in (tmp_path / "fake.gguf", tmp_path / "none.gguf", tmp_path):
        with pytest.raises(InvalidRequest):
            await asyncio.to_thread(
                engine_class("llama_cpp").load, EngineSite(str(source), "cpu", {}), lambda stage, fraction: None
            )


@pytest.mark.parametrize("fields", [{"prompt": "a" * 1_100_000}, {"prompt": "a" * 140_000, "return_token_strs": True}])
async def test_no_text_to_tokenize_holds_up_others_for_long(llama_cpp: Driver, fields: dict[str, Any]) -> None:
    answer = llama_cpp.submit("tokenize", **fields)
    await llama_cpp.until_over(answer)

    assert isinstance(answer.error, InvalidRequest)
    assert "characters" in answer.error.message
