"""The log probabilities of a prompt's own tokens, against those of the bare model."""

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.engines.conftest import REAL, source_of
from tests.engines.driver import Answer, Driver

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.weights]

TEXT = "The capital of France is Paris. Ünï 🎉 and 日本語, they<|im_end|> said; the sea is blue"
LONG = "One two three four five six seven eight nine ten. " * 16
"""More tokens than are computed at once."""
CLOSE = 1e-3
OWN = 2.0
"""llama.cpp rounds what it computes with, so it is far from float32 for tokens that are unlikely."""


SCORING = [f"{name}_alone" if name == "vllm" else name for name in REAL]
"""Those that score prompts: vLLM without adapters."""


@pytest.fixture
def scored(request: pytest.FixtureRequest) -> Driver:
    """One of them."""
    found: Driver = request.getfixturevalue(request.param)
    return found


@cache
def _bare(source: str) -> Callable[[list[int]], Any]:
    """The bare model in float32: from token ids to the log probabilities of the next ones, [tokens, vocabulary]."""
    import torch
    import transformers

    multimodal = hasattr(transformers.AutoConfig.from_pretrained(source), "vision_config")
    auto: Any = transformers.AutoModelForMultimodalLM if multimodal else transformers.AutoModelForCausalLM
    model = auto.from_pretrained(source, dtype=torch.float32).eval()

    def logprobs(ids: list[int]) -> Any:
        with torch.inference_mode():
            return model(input_ids=torch.tensor([ids])).logits[0].float().log_softmax(-1)

    return logprobs


def _short(driver: Driver) -> str:
    return TEXT if driver.talks else "A blue circle"


async def _ids(driver: Driver, text: str) -> list[int]:
    ids: list[int] = (await driver.ask("tokenize", prompt=text)).result.ids
    return ids


def _check(driver: Driver, answer: Answer, ids: list[int], index: int = 0) -> None:
    """Compare the prompt's tokens with the bare model's."""
    bare = _bare(source_of("seeing" if driver.name == "seeing" else "transformers"))(ids)
    first, *tokens = answer.logprobs(index)[: len(ids)]
    assert (first.logprob, first.top) == (None, ())
    pairs = zip(tokens, ids[1:], strict=True)
    differences = [abs((token.logprob or 0.0) - float(bare[at, id_])) for at, (token, id_) in enumerate(pairs)]
    assert max(differences) < (OWN if driver.name == "llama_cpp" else CLOSE), differences
    assert sum(differences) / len(differences) < 0.2


@pytest.mark.parametrize("scored", SCORING, indirect=True)
@pytest.mark.parametrize("text", ["short", "long"])
async def test_a_prompts_log_probabilities_are_the_bare_models(scored: Driver, text: str) -> None:
    prompt = LONG if text == "long" and scored.talks else _short(scored)
    ids = await _ids(scored, prompt)

    answer = await scored.ask("completions", prompt=prompt, echo=True, logprobs=2, max_tokens=0)

    _check(scored, answer, ids)
    assert answer.text() == prompt
    assert answer.finishes == {0: "length"}
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len(ids), 0)
    tops = [len(token.top) for token in answer.logprobs()[1:]]
    assert all(top == 2 or (scored.name == "vllm" and top) for top in tops)  # its bytes of characters share a name
    best = [token for token in answer.logprobs() if token.top and token.logprob == token.top[0].logprob]
    assert all(token.token == token.top[0].token for token in best)


@pytest.mark.parametrize("scored", SCORING, indirect=True)
@pytest.mark.parametrize("limit", [1, 3])
async def test_each_prompt_and_choice_is_scored_before_its_answer(scored: Driver, limit: int) -> None:
    texts = ["Hello world, this is", "The sea"] if scored.talks else ["A blue circle", "A red"]
    prompts = [await _ids(scored, text) for text in texts]
    n = 1 if scored.name == "vllm" else 2  # where choices are the same, vLLM makes one alone
    fields: dict[str, Any] = {"prompt": prompts, "temperature": 0, "n": n, "max_tokens": limit, "ignore_eos": True}

    answer = await scored.ask("completions", **fields, echo=True, logprobs=1)
    plain = await scored.ask("completions", **fields, logprobs=1)

    for index in range(2 * n):
        ids = prompts[index // n]
        _check(scored, answer, ids, index)
        assert answer.text(index) == texts[index // n] + plain.text(index)
        assert len(answer.logprobs(index)) == len(ids) + limit
        made, alone = answer.logprobs(index)[len(ids) :], plain.logprobs(index)
        assert [token.token for token in made] == [token.token for token in alone]
        assert [token.logprob for token in made] == pytest.approx([token.logprob for token in alone], abs=0.05)
    assert answer.finishes == dict.fromkeys(range(2 * n), "length")
    assert answer.usage == plain.usage or scored.name in ("llama_cpp", "vllm")  # which count what was in a cache
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (sum(map(len, prompts)), 2 * n * limit)


@pytest.mark.parametrize("scored", SCORING, indirect=True)
async def test_a_prompt_may_be_all_that_is_wanted(scored: Driver) -> None:
    prompt = _short(scored)
    answer = await scored.ask("completions", prompt=prompt, echo=True, max_tokens=0)

    assert answer.text() == prompt
    assert answer.finishes == {0: "length"}
    assert not answer.logprobs()
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (len(await _ids(scored, prompt)), 0)


@pytest.mark.parametrize("scored", SCORING, indirect=True)
async def test_prompts_are_scored_within_the_context_and_until_nobody_waits(scored: Driver) -> None:
    fields: dict[str, Any] = {"echo": True, "logprobs": 1, "max_tokens": 1}
    too_long = [90] * (scored.capacity.context_length + 1)
    assert "context" in (await scored.refused("completions", prompt=too_long, **fields)).message

    gone = scored.submit("completions", prompt=[[90] * 200] * 20, **fields)
    scored.engine.abort(gone.rid)
    await scored.ask("completions", prompt="A", **fields)

    assert not gone.over.is_set()


@pytest.mark.parametrize("driver", ["llama_cpp"], indirect=True)
async def test_llama_cpp_scores_as_it_reads(driver: Driver) -> None:
    """Against the probabilities that it gives for a next token, after it has read all before it at once."""
    import json

    ids = await _ids(driver, TEXT)
    scored = await driver.ask("completions", prompt=ids, echo=True, logprobs=0, max_tokens=0)
    server, size = driver.engine._server, driver.engine._vocabulary  # type: ignore[attr-defined]

    def own(at: int) -> float:
        body = {"prompt": ids[:at], "max_tokens": 1, "logprobs": size, "logit_bias": [[90, 1e5]], "cache_prompt": False}
        answers: list[bytes] = []
        server.handle_completions(json.dumps(body).encode(), answers.append)
        [token] = json.loads(answers[0])["choices"][0]["logprobs"]["content"]
        return next(float(one["logprob"]) for one in token["top_logprobs"] if one["id"] == ids[at])

    for at in range(3, len(ids), 4):
        assert scored.logprobs()[at].logprob == pytest.approx(await asyncio.to_thread(own, at), abs=0.3), at


@pytest.mark.parametrize("driver", ["transformers", "seeing"], indirect=True)
async def test_answers_go_on_between_the_pieces_of_a_long_prompt(driver: Driver) -> None:
    from workers.engines.transformers.scoring import Scores, Scoring

    engine, loop, steps = driver.engine, asyncio.get_running_loop(), list[int]()
    scored: asyncio.Future[Scores | Exception] = loop.create_future()
    answer = driver.submit("completions", prompt="A blue", max_tokens=400, ignore_eos=True)
    await driver.until_said(answer, 1)

    def over() -> bool:
        steps.append(engine.counters()["steps"])
        return False

    def done(scores: Scores | Exception) -> None:
        loop.call_soon_threadsafe(scored.set_result, scores)

    engine._model.scorer.add([Scoring([90] * 300, 0, over, done)])  # type: ignore[attr-defined]
    assert isinstance(await asyncio.wait_for(scored, 100), Scores)
    engine.abort(answer.rid)

    assert len(steps) == 5  # pieces of 64 tokens
    assert steps[-1] - steps[0] >= 3, "no step between two pieces"


async def test_a_piece_has_few_logits_whatever_the_vocabulary() -> None:
    from workers.engines.transformers.scoring import piece_tokens

    assert [piece_tokens(size, on_cpu=False) for size in (1000, 49_152, 262_144, 10_000_000)] == [512, 341, 64, 16]
    assert piece_tokens(49_152, on_cpu=True) == 64
