"""What a hub refuses, through its own library: what is wrong, what to do, and whether another try is of use."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from models.errors import HubUnreachable, InvalidRequest, ModelFailed
from models.hubs import modelscope
from models.hubs.failures import HubName, place_of
from tests.models.hubs.conftest import HUBS, contents, fetch
from tests.support.hubs import Hub

both = pytest.mark.parametrize("kind", HUBS)
TOKENS = {"huggingface": "HF_TOKEN", "modelscope": "MODELSCOPE_API_TOKEN"}
PAGES = {"huggingface": "{}/org/name", "modelscope": "{}/models/org/name"}


@both
def test_a_gated_repository_says_where_its_licence_is_and_how_a_token_is_given(
    hub: Hub, kind: HubName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.troubles.gated.add("org/name")
    hub.troubles.tokens.add("good")
    page = PAGES[kind].format(hub.url)

    with pytest.raises(InvalidRequest) as caught:
        fetch(kind, tmp_path)
    assert f"licence at {page} with your account" in caught.value.message
    assert f"set {TOKENS[kind]} in the environment" in caught.value.message
    assert caught.value.param == "model_path"

    monkeypatch.setenv(TOKENS[kind], "of-another")
    with pytest.raises(InvalidRequest) as caught:
        fetch(kind, tmp_path)
    assert f"the account of {TOKENS[kind]} may not read" in caught.value.message
    assert page in caught.value.message
    assert "of-another" not in caught.value.message

    monkeypatch.setenv(TOKENS[kind], "good")
    assert "config.json" in contents(fetch(kind, tmp_path))


@both
def test_a_repository_for_some_alone(hub: Hub, kind: HubName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one that is private Hugging Face says what it says of one that is not there."""
    hub.troubles.status = 401

    with pytest.raises(InvalidRequest, match=rf"check the name.*private or gated.*set {TOKENS[kind]}"):
        fetch(kind, tmp_path)
    monkeypatch.setenv(TOKENS[kind], "expired")
    with pytest.raises(InvalidRequest, match=rf"does not know the token in {TOKENS[kind]} \(wrong, or expired\)"):
        fetch(kind, tmp_path)


@both
def test_a_repository_that_is_not_there(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match=rf"127\.0\.0\.1 has no repository 'org/none'.*{TOKENS[kind]}"):
        fetch(kind, tmp_path, name="org/none")


@both
def test_a_hub_that_asks_to_wait_is_waited_for(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    hub.troubles.busy = 1

    assert "config.json" in contents(fetch(kind, tmp_path))
    assert hub.troubles.busy == 0


@both
def test_a_hub_that_asks_to_wait_for_ever(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    hub.troubles.status, hub.troubles.retry_after = 429, 1

    with pytest.raises(
        ModelFailed, match=rf"too many requests.*wait for 1 s.*With a token \({TOKENS[kind]}\)"
    ) as caught:
        fetch(kind, tmp_path)
    assert caught.value.retry_after == 1


@both
def test_a_hub_that_fails(hub: Hub, kind: HubName, tmp_path: Path) -> None:
    hub.troubles.status = 500

    with pytest.raises(ModelFailed, match=r"127\.0\.0\.1 fails now \(HTTP 500\)"):
        fetch(kind, tmp_path)


@both
def test_no_network(hub: Hub, kind: HubName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_ENDPOINT", "MODELSCOPE_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    with pytest.raises(HubUnreachable, match=r"127\.0\.0\.1 cannot be reached.*HTTPS_PROXY.*ENDPOINT"):
        fetch(kind, tmp_path)


def test_what_a_url_holds_besides_is_not_told() -> None:
    place = place_of("huggingface", "org/name", "https://me:secret@mirror.example:8443")

    assert (place.host, place.page) == ("mirror.example", "https://mirror.example:8443/org/name")


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9", "https://nowhere.invalid"])
def test_a_hub_that_cannot_be_reached_is_given_up_before_its_library_is_asked(
    endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", endpoint)
    monkeypatch.setattr(modelscope, "_listing", lambda *_: pytest.fail("its library tries for ten seconds"))
    with pytest.raises(ModelFailed, match="cannot be reached, and 'modelscope:org/name' is not whole in the cache"):
        fetch("modelscope", tmp_path)


def test_a_hub_that_was_away_for_a_moment_is_asked_again(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = httpx.head
    tries: list[str] = []

    def first_fails(url: str, **more: Any) -> httpx.Response:
        tries.append(url)
        return head("http://127.0.0.1:9" if len(tries) == 1 else url, **more)

    monkeypatch.setattr(httpx, "head", first_fails)
    assert "config.json" in contents(fetch("modelscope", tmp_path))
