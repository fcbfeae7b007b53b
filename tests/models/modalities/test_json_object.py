"""Fields that nobody knows: taken at every depth, named once each, refused where they are misspelt or on demand."""

from typing import Any

import pytest
from pydantic import Field

from models.errors import UnknownParameter
from models.modalities import images, messages
from models.modalities.chat import Request
from models.modalities.json_object import MOST_COMPARED, JsonObject, take_unknown
from models.modalities.responses import CreateResponse

USER = {"role": "user", "content": "hi"}


def chat(**fields: Any) -> Request:
    return Request.model_validate({"model": "m", "messages": [USER]} | fields)


HINTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "in the body": ({"provider": {"order": ["a"]}, "transforms": []}, ("provider", "transforms")),
    "in messages": (
        {"messages": [USER | {"copilot_cache_control": {}}, USER | {"copilot_cache_control": {}}]},
        ("messages[].copilot_cache_control",),
    ),
    "in parts": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "a", "cache_control": {"type": "e"}}]}]},
        ("messages[].content[].cache_control",),
    ),
    "in tools": (
        {"tools": [{"type": "function", "cache_control": {}, "function": {"name": "f", "source": 1}}]},
        ("tools[].cache_control", "tools[].function.source"),
    ),
    "in what has another name in Python": (
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "vendor": 1}}},
        ("response_format.json_schema.vendor",),
    ),
    "in calls of a history": (
        {
            "messages": [
                {
                    "role": "assistant",
                    "provider_specific_fields": {},
                    "tool_calls": [{"id": "c", "extra_content": {}, "function": {"name": "f", "arguments": "{}"}}],
                }
            ]
        },
        ("messages[].provider_specific_fields", "messages[].tool_calls[].extra_content"),
    ),
}


@pytest.mark.parametrize("case", HINTS)
def test_unknown_fields_are_taken_and_named(case: str) -> None:
    fields, paths = HINTS[case]
    request = chat(**fields)
    assert take_unknown(request, strict=False) == paths
    kept = str(request.model_dump(mode="json", exclude_unset=True))
    assert not [path for path in paths if path.rpartition(".")[2] in kept]
    assert take_unknown(request, strict=False) == ()
    assert not request.model_fields_set & set(paths)


class Inner(JsonObject):
    """An object."""

    known: int = 0


class Outer(JsonObject):
    """An object with one under a name that Python keeps for itself."""

    class_: list[Inner] = Field(alias="class")


def test_a_path_has_the_names_that_clients_write() -> None:
    assert take_unknown(Outer.model_validate({"class": [{"hint": 1}]}), strict=False) == ("class[].hint",)


@pytest.mark.parametrize("case", HINTS)
def test_strictness_refuses_the_first_where_it_stands(case: str) -> None:
    fields, _ = HINTS[case]
    with pytest.raises(UnknownParameter) as caught:
        take_unknown(chat(**fields), strict=True)
    path = caught.value.param or ""
    assert caught.value.message == f"unknown parameter: '{path}'"
    assert "[]" not in path


MISSPELT = {
    "temprature": "temperature",
    "max_token": "max_tokens",
    "maxTokens": "max_tokens",
    "topP": "top_p",
    "tool-choice": "tool_choice",
    "stops": "stop",
    "tpo_k": "top_k",
}


@pytest.mark.parametrize("name", MISSPELT)
def test_a_misspelt_name_is_refused_with_what_was_meant(name: str) -> None:
    with pytest.raises(UnknownParameter) as caught:
        take_unknown(chat(**{name: 1}), strict=False)
    assert caught.value.param == name
    assert f"did you mean '{MISSPELT[name]}'?" in caught.value.message


OTHERS = [
    "cache_salt",
    "client_metadata",
    "grammar",
    "provider",
    "repetition_penalty_range",
    "route",
    "tfs_z",
    "top_a",
    "truncate_history",
]


@pytest.mark.parametrize("name", OTHERS)
def test_fields_of_other_servers_are_no_misspellings(name: str) -> None:
    assert take_unknown(chat(**{name: 1}), strict=False) == (name,)


def test_only_so_many_names_are_compared() -> None:
    request = chat(**{f"hint{number:04}": 1 for number in range(MOST_COMPARED)}, temprature=1)
    assert len(take_unknown(request, strict=False)) == MOST_COMPARED + 1


def test_null_is_not_given_at_every_depth() -> None:
    request = chat(
        temperature=None,
        stream_options=None,
        response_format={"type": "text", "json_schema": None},
        messages=[{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x", "detail": None}}]}],
    )
    assert request.model_dump(exclude_unset=True).keys() == {"model", "messages", "response_format"}
    assert take_unknown(chat(hint=None), strict=True) == ()


def test_other_protocols() -> None:
    sent = {"model": "m", "max_tokens": 1, "messages": [USER | {"id": "msg_1"}], "hint": 1}
    assert take_unknown(messages.Request.model_validate(sent), strict=False) == ("hint", "messages[].id")
    asked = {"model": "m", "input": [USER | {"hint": 1}], "client_metadata": {"a": "b"}}
    assert take_unknown(CreateResponse.model_validate(asked), strict=False) == ("client_metadata", "input[].hint")
    drawn = {"model": "m", "prompt": "p", "lora": [{"name": "l", "hint": 1}], "kwargs": '{"other": 1}'}
    assert take_unknown(images.Request.model_validate(drawn), strict=False) == ("other", "lora[].hint")


@pytest.mark.parametrize(
    ("shape", "name", "meant"),
    [
        (CreateResponse, "max_tokens", "max_output_tokens"),
        (CreateResponse, "response_format", "text"),
        (messages.Request, "response_format", "output_config"),
        (messages.Request, "stop", "stop_sequences"),
    ],
)
def test_what_a_sister_protocol_calls_otherwise_is_not_ignored(shape: Any, name: str, meant: str) -> None:
    sent: dict[str, Any] = {"model": "m", "max_tokens": 1, "messages": [USER]}
    if shape is CreateResponse:
        sent = {"model": "m", "input": "hi"}
    with pytest.raises(UnknownParameter, match=f"did you mean '{meant}'") as refused:
        take_unknown(shape.model_validate(sent | {name: 5}), strict=False)
    assert refused.value.param == name
