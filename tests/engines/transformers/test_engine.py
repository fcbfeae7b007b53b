"""What is the transformers engine's own."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from models.errors import EngineFailure, HeadraceError, InvalidRequest
from tests.engines.conftest import OPTIONS, source_of
from tests.engines.driver import Driver
from workers.engines import engine_class
from workers.engines.base import EngineSite

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]


async def test_it_knows_the_capital_of_france(transformers: Driver) -> None:
    question = "What is the capital of France?"
    answer = await transformers.ask("chat", content=question, temperature=0, max_tokens=16)

    assert answer.text() == "The capital of France is Paris."
    assert answer.finishes == {0: "stop"}


async def test_a_seed_holds_in_company(transformers: Driver) -> None:
    fields: dict[str, Any] = {"content": "Tell a joke.", "seed": 5, "temperature": 0.9, "max_tokens": 8}
    alone = await transformers.ask("chat", **fields)

    crowd = [transformers.submit("chat", content=f"Say {one}.", max_tokens=12) for one in range(6)]
    together = await transformers.ask("chat", **fields)
    for other in crowd:
        await transformers.until_over(other)

    assert together.text() == alone.text()


@pytest.mark.parametrize("rule", [{"top_k": 1}, {"top_p": 1e-6}, {"min_p": 1.0}, {"temperature": 1e-4}])
async def test_rules_that_leave_one_token_are_greedy(transformers: Driver, rule: dict[str, Any]) -> None:
    fields: dict[str, Any] = {"content": "Name three primary colours.", "max_tokens": 8}
    greedy = await transformers.ask("chat", **fields, temperature=0)
    ruled = await transformers.ask("chat", **fields, **({"temperature": 1.0} | rule))

    assert ruled.text() == greedy.text()


async def test_the_bytes_of_pieces_of_characters_are_told(transformers: Driver) -> None:
    prompt = "Repeat: 😀😀😀😀😀😀😀"
    answer = await transformers.ask("completions", prompt=prompt, max_tokens=6, logprobs=2, temperature=0)

    tokens = answer.logprobs()
    assert answer.text() == "😀😀"
    assert bytes(byte for one in tokens for byte in one.octets).decode() == "😀😀"
    assert all(one.raw and one.top[0].raw == one.raw for one in tokens)


async def test_a_bias_decides(transformers: Driver) -> None:
    answer = await transformers.ask("completions", prompt="One", max_tokens=3, logit_bias={"905": 100})

    assert answer.text() == " world world world"


@pytest.mark.parametrize("reserved", ["chat_template", "tokenize", "add_generation_prompt"])
async def test_a_request_cannot_bring_its_own_template(transformers: Driver, reserved: str) -> None:
    answer = transformers.submit("chat", content="x", chat_template_kwargs={reserved: "{{ 1 }}"})
    await transformers.until_over(answer)

    assert isinstance(answer.error, InvalidRequest)


async def test_token_ids_beyond_the_vocabulary_are_refused(transformers: Driver) -> None:
    answer = transformers.submit("completions", prompt=[1, 10_000_000])
    await transformers.until_over(answer)

    assert isinstance(answer.error, InvalidRequest)


async def test_when_the_generation_thread_dies_every_request_fails() -> None:
    site = EngineSite(source_of("transformers"), "cpu", OPTIONS["transformers"])
    engine: Any = await engine_class("transformers").resident(site, lambda stage, fraction: None)
    driver = Driver("transformers", engine)

    def broken(model: object) -> None:
        raise RuntimeError("out of memory")

    try:
        engine._model.manager.batch_processor._generation_step = broken
        answers = [driver.submit("chat", content=f"Say {one}.") for one in range(3)]
        for answer in answers:
            await driver.until_over(answer)
        await asyncio.to_thread(engine._model.manager._generation_thread.join, 5)
        late = driver.submit("chat", content="Anybody there?")
        await driver.until_over(late)
    finally:
        engine.close()

    assert [type(one.error) for one in [*answers, late]] == [EngineFailure] * 4


async def test_what_it_cannot_load_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")

    for source in (tmp_path, tmp_path / "nothing"):
        with pytest.raises(HeadraceError) as caught:
            await asyncio.to_thread(
                engine_class("transformers").load, EngineSite(str(source), "cpu", {}), lambda stage, fraction: None
            )
        assert isinstance(caught.value, InvalidRequest)
