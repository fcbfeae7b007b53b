"""Prompts far beyond a context: refused by their beginning."""

import pytest

from models.errors import ContextLengthExceeded
from workers.engines.text.limits import check_beginning


@pytest.mark.parametrize("word", ["a", "a" * 15, " " * 300])
def test_no_more_is_read_than_it_takes(word: str) -> None:
    read: list[int] = []

    def count(text: str) -> int:
        read.append(len(text))
        return len(text) // len(word)

    with pytest.raises(ContextLengthExceeded) as caught:
        check_beginning(word * 100_000, 64, count, "prompt")

    assert sum(read) < 5 * 65 * max(16, len(word))
    assert caught.value.param == "prompt"
    assert (
        f"maximum context length is 64 tokens, and the prompt has more than {read[-1] // len(word)}"
        in caught.value.message
    )


def test_what_may_fit_is_left_to_be_tokenized() -> None:
    check_beginning("a" * 1024, 64, lambda text: pytest.fail("this was not to be read"), "prompt")
    check_beginning(" " * 10_000, 64, lambda text: len(text) // 500, "prompt")
