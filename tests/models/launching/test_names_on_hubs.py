"""Names without a scheme: which hub they are on, for models.launching."""

from typing import Any

import pytest

from models.errors import InvalidRequest
from models.launching.hub import on_hub
from models.launching.launch import Launch, source_of


@pytest.mark.parametrize(
    ("text", "asked", "server", "source"),
    [
        ("org/name", None, "", "hf:org/name"),
        ("org/name", None, "modelscope", "modelscope:org/name"),
        ("org/name", "auto", "modelscope", "modelscope:org/name"),
        ("org/name", "huggingface", "modelscope", "hf:org/name"),
        ("org/name@v1/q/a.gguf", "modelscope", "", "modelscope:org/name@v1/q/a.gguf"),
        ("hf:org/name", None, "modelscope", "hf:org/name"),
        ("hf:org/name", "huggingface", "modelscope", "hf:org/name"),
        ("/org/name", "modelscope", "", "/org/name"),
        ("pkg:a/b", "modelscope", "", "pkg:a/b"),
        ("~/weights", None, "", "~/weights"),
        ("name", None, "", "name"),
    ],
)
def test_a_name_without_a_scheme_is_on_a_hub(
    text: str, asked: str | None, server: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_MODEL_SRC", server)

    assert on_hub(text, asked) == source


def test_two_hubs_contradict() -> None:
    with pytest.raises(InvalidRequest, match="download_hub is modelscope") as caught:
        on_hub("hf:org/name", "modelscope")
    assert caught.value.param == "download_hub"


@pytest.mark.parametrize(("given", "source"), [("modelscope", "modelscope:org/name"), ("", "hf:org/name")])
def test_a_launch_names_its_hub(given: Any, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_MODEL_SRC", raising=False)

    assert source_of(Launch(model_name="m", model_path="org/name", download_hub=given)) == source
