"""llama.cpp: answers of a given form; and what would hang it, refused."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from models.errors import EngineFailure, InvalidRequest, UnsupportedParameter
from models.modalities.structure import Constraint
from tests.engines.driver import Driver
from workers.engines import engine_class
from workers.engines.base import EngineSite
from workers.engines.llama_cpp import gbnf
from workers.engines.llama_cpp.grammars import LlamaCppGrammars
from workers.engines.llama_cpp.trial import model as model_file
from workers.engines.structured.constraints import constrain

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

ZONE = {
    "type": "object",
    "properties": {"zone": {"type": "integer", "minimum": -12, "maximum": 12}},
    "required": ["zone"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("form", "obeys"),
    [
        ({"regex": r"\d{3}-\d{4}/[a-f]"}, re.compile(r"[0-9]{3}-[0-9]{4}/[a-f]").fullmatch),
        ({"choice": ['a "quoted" @form', "line\nbreak", "日本"]}, ['a "quoted" @form', "line\nbreak", "日本"].count),
        ({"grammar": 'root ::= "a" digits\ndigits ::= [0-9]{3}'}, re.compile("a[0-9]{3}").fullmatch),
        ({"grammar": 'start: "a" DIGITS\nDIGITS: /[0-9]{3}/'}, re.compile("a[0-9]{3}").fullmatch),
        ({"grammar": 'root ::= list\nlist ::= list "," [0-9] | [0-9]'}, re.compile("[0-9](,[0-9])*").fullmatch),
        ({"json": {"enum": ["red", 7, None]}}, ['"red"', "7", "null"].count),
        ({"json": '{"type": "string", "pattern": "^[xy]{5}$"}'}, re.compile('"[xy]{5}"').fullmatch),
    ],
)
@pytest.mark.parametrize("kind", ["chat", "completions"])
async def test_an_answer_has_the_form_it_is_asked_to_have(
    llama_cpp: Driver, kind: str, form: dict[str, Any], obeys: Any
) -> None:
    prompt = {"content" if kind == "chat" else "prompt": "Say something."}
    answer = await llama_cpp.ask(kind, structured_outputs=form, temperature=1.0, seed=5, max_tokens=60, **prompt)

    assert answer.finishes == {0: "stop"} or "list" in str(form)
    assert obeys(answer.text().rstrip("," if "list" in str(form) else "")), answer.text()


async def test_each_choice_has_the_form(llama_cpp: Driver) -> None:
    form = {"type": "json_schema", "json_schema": {"schema": ZONE}}
    answer = await llama_cpp.ask("chat", content="JSON.", response_format=form, n=4, temperature=1.5, max_tokens=90)

    for index in range(4):
        assert -12 <= json.loads(answer.text(index))["zone"] <= 12
    assert answer.usage is not None
    assert answer.usage.completion_tokens == sum(one.tokens for one in answer.deltas)


async def test_a_form_goes_with_log_probabilities_and_with_a_beginning(llama_cpp: Driver) -> None:
    form = {"choice": [" France", " Spain"]}
    turns = [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": "Paris is the capital of"}]
    fields: dict[str, Any] = {"continue_final_message": True, "logprobs": True, "top_logprobs": 1}
    answer = await llama_cpp.ask("chat", messages=turns, structured_outputs=form, **fields)

    assert answer.text() in form["choice"]
    assert "".join(one.token for one in answer.logprobs()) == answer.text()


async def test_a_message_is_gone_on_with(llama_cpp: Driver) -> None:
    turns = [{"role": "user", "content": "Count."}, {"role": "assistant", "content": "One, two, three,"}]
    answer = await llama_cpp.ask("chat", messages=turns, continue_final_message=True, temperature=0, max_tokens=3)

    assert answer.text().startswith(" four")


HOSTILE: dict[str, dict[str, Any]] = {
    "no such type": {"json": {"type": "nonsense"}},
    "nothing obeys": {"json": {"$ref": "#"}},
    "contradiction": {"json": {"type": "integer", "minimum": 5, "maximum": 3}},
    "elsewhere": {"json": {"$ref": "http://127.0.0.1:1/schema.json"}},
    "not supported": {"json": {"not": {"type": "string"}}},
    "a billion items": {"json": {"type": "array", "items": {"type": "integer"}, "minItems": 1_000_000_000}},
    "a million items": {"json": {"type": "array", "items": {"type": "integer"}, "maxItems": 1_000_000}},
    "intersected": {"json": {"allOf": [{"type": "string", "pattern": f"^(a{{{n}}})*$"} for n in (97, 89, 83, 79, 73)]}},
    "a huge divisor": {"json": {"type": "integer", "multipleOf": 99_999_989}},
    "all of any": {"json": {"allOf": [{"anyOf": [{"required": [f"{i}{j}"]} for j in range(9)]} for i in range(9)]}},
    "nested pattern": {"json": {"type": "string", "pattern": "(" * 5000 + "a" + ")" * 5000}},
    "optional dots": {"regex": ".?" * 1000},
    "no regex": {"regex": "(a"},
    "an open end": {"regex": "a\\"},
    "a chain": {"grammar": "start: r0\n" + "\n".join(f"r{n}: r{n + 1}" for n in range(4000)) + '\nr4000: "a"'},
    "deep parentheses": {"grammar": "root ::= " + "(" * 9000 + '"a"' + ")" * 9000},
    "undefined": {"grammar": "root ::= nothing"},
    "no root": {"grammar": 'a ::= "b"'},
    "no grammar": {"grammar": "Say yes."},
    "only itself": {"grammar": "root ::= root"},
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_what_cannot_be_followed_is_refused_and_nobody_waits_for_it(llama_cpp: Driver, name: str) -> None:
    others = llama_cpp.submit("chat", content="Tell a story.", max_tokens=400, ignore_eos=True)
    error = await llama_cpp.refused("chat", content="x", structured_outputs=HOSTILE[name], max_tokens=20)
    said = len(others.deltas)
    await llama_cpp.until_said(others, min(said + 2, 380))
    llama_cpp.engine.abort(others.rid)

    assert error.param == "structured_outputs"
    assert (await llama_cpp.ask("chat", content="Hi.", structured_outputs={"choice": ["yes"]})).text() == "yes"


async def test_an_abort_ends_an_answer_that_has_a_form(llama_cpp: Driver) -> None:
    early = llama_cpp.submit("chat", content="x", structured_outputs={"regex": "[a-z]{2000}"})
    llama_cpp.engine.abort(early.rid)
    answer = llama_cpp.submit("chat", content="x", structured_outputs={"regex": "[a-z]{1000,2000}"})
    await llama_cpp.until_said(answer, 3)
    llama_cpp.engine.abort(answer.rid)
    said = len(answer.deltas)
    await llama_cpp.ask("chat", content="Hi.", max_tokens=1)

    assert not early.deltas
    assert len(answer.deltas) == said
    assert not answer.over.is_set()


async def test_an_engine_whose_step_never_ends_is_dead(llama_cpp: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    free = llama_cpp.submit("chat", content="x", max_tokens=400, ignore_eos=True)
    await llama_cpp.until_said(free, 1)
    monkeypatch.setattr("workers.engines.llama_cpp.engine.STUCK_S", 0.0)
    assert llama_cpp.engine.alive()

    held = llama_cpp.submit("chat", content="x", structured_outputs={"regex": "[a-z]{300}"})
    await llama_cpp.until_said(held, 1)
    assert not llama_cpp.engine.alive()

    monkeypatch.undo()
    assert llama_cpp.engine.alive()
    for answer in (free, held):
        llama_cpp.engine.abort(answer.rid)


async def test_a_model_that_cannot_be_held_to_a_form_says_so(tmp_path: Path) -> None:
    key = b"tokenizer.ggml.add_space_prefix\x07\0\0\0"
    (tmp_path / "spaced.gguf").write_bytes(model_file().replace(key + b"\0", key + b"\1"))
    site = EngineSite(str(tmp_path / "spaced.gguf"), "cpu", {"n_ctx": 128, "n_parallel": 1})
    engine = await engine_class("llama_cpp").resident(site, lambda stage, fraction: None)
    driver = Driver("llama_cpp", engine)
    error = await driver.refused("completions", prompt="x", structured_outputs={"choice": ["a"]})
    await driver.ask("completions", prompt="x", max_tokens=2)
    engine.close()

    assert isinstance(error, UnsupportedParameter)
    assert error.param == "structured_outputs"


def text_of(grammar: str) -> str:
    """The text of a client's grammar in GBNF for llama.cpp."""
    constrained, grammars = constrain(Constraint("grammar", grammar), None, None, "over", {}), LlamaCppGrammars()
    assert constrained is not None
    try:
        return grammars.text_of(constrained)
    finally:
        grammars.close()


async def test_a_converter_that_takes_too_much_memory_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gbnf, "MEMORY", 1)

    with pytest.raises(InvalidRequest, match="too complex"):
        text_of('root ::= "a"')


async def test_a_converter_that_cannot_start_is_not_the_clients_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "llguidance.py").write_text("raise ImportError('this build is for another system')")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", os.curdir)]))

    with pytest.raises(EngineFailure, match="could not be started"):
        text_of('root ::= "a"')
    assert "this build is for another system" in caplog.text
