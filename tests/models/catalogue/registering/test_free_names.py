"""Names that a guess proposes: those under which a model can be registered."""

import pytest

from models.catalogue.registering.families import free_name, refuse_taken


@pytest.mark.parametrize(
    ("name", "registered", "free"),
    [
        ("my-own-model", [], "my-own-model"),
        ("my-own-model", ["my-own-model"], "my-own-model-local"),
        ("my-own-model", ["my-own-model", "my-own-model-local"], "my-own-model-local-2"),
        ("smollm2", [], "smollm2-local"),
        ("SmolLM2-135M-Instruct", [], "SmolLM2-135M-Instruct-local"),
        ("qwen3", ["qwen3-local"], "qwen3-local-2"),
    ],
)
def test_a_name_that_is_taken_is_changed(name: str, registered: list[str], free: str) -> None:
    assert free_name(name, registered) == free
    refuse_taken(free, "model_name")


def test_a_long_name_stays_one_that_can_be_registered() -> None:
    assert free_name("a" * 100, []) == "a" * 100
    assert free_name("a" * 100, ["a" * 100]) == "a" * 80 + "-local"
