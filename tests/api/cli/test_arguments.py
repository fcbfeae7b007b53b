"""Arguments that are no numbers, no JSON or no text end in one line, without a traceback."""

import os
import subprocess
import sys
from typing import Any

import pytest

from api.cli.launch_flags import value_of
from tests.api.cli.test_cli import Server, headrace, server
from tests.e2e.stack import clean_environment

__all__ = ["server"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("NaN", "NaN"), ("-Infinity", "-Infinity"), ("1e999", "1e999"), ("[1e999]", "[1e999]"), ("1e3", 1000.0)],
)
def test_numbers_that_json_has_not_are_text(text: str, value: Any) -> None:
    assert value_of(text) == value


def test_what_is_nested_too_deeply_is_text() -> None:
    assert value_of("[" * 100_000) == "[" * 100_000


@pytest.mark.parametrize("text", ["\N{SUPERSCRIPT TWO}", "\N{ARABIC-INDIC DIGIT SEVEN}", "9" * 5000])
def test_what_is_no_number_of_gpus_is_the_servers_to_refuse(server: Server, text: str) -> None:
    server.on("POST /v1/models?wait_ready=false", (200, {"model_uid": "m"}))
    done = headrace("launch", "-n", "m", "--no-wait", "-e", server.url, "--n-gpu", text)
    assert (done.returncode, done.stderr) == (0, "")
    assert server.seen[0][1]["n_gpu"] == text


@pytest.mark.parametrize("words", [["launch", "--no-wait", "-n"], ["terminate", "-u"]])
def test_an_argument_that_is_not_utf_8_is_refused(server: Server, words: list[str]) -> None:
    command = [sys.executable, "-P", "-m", "api.cli", *words, os.fsdecode(b"a\xff"), "-e", server.url]
    done = subprocess.run(command, env=clean_environment(), capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, "headrace: an argument is not UTF-8\n")
