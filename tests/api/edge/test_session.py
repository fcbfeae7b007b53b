"""Sessions: a cookie stands for a key, for pages of this server alone, until it ends or the key is taken away."""

import time
from typing import Any

import pytest
from pydantic import SecretStr

from api.edge.caller import Callers, digest
from api.edge.session import ATTEMPTS, WITHIN_S, Attempts, Sessions, from_own_page
from models.errors import RateLimited
from models.settings import Settings

KEY = digest("a")
ENDS = int(time.time()) + 3600


def sessions(secret: str = "0" * 32, **fields: Any) -> Sessions:
    return Sessions(Settings(secret_key=SecretStr(secret), **fields))


def cookie(name: str, value: str) -> dict[str, str]:
    return {"cookie": f"other=1; {name}={value}; last=2", "host": "here:1"}


def test_a_cookie_stands_for_its_key_until_it_ends() -> None:
    ours = sessions()
    assert ours.key_of("GET", cookie(ours.name, ours.made(KEY, ENDS))) == (KEY, ENDS)
    assert ours.key_of("GET", cookie(ours.name, ours.made(KEY, int(time.time()) - 1))) is None
    assert ours.key_of("GET", {"host": "here:1"}) is None


@pytest.mark.parametrize(
    "damaged", ["", "x", ".", "..", f"{KEY.hex()}.{ENDS}", f"{KEY.hex()}.{ENDS}.{'0' * 64}", "é.1.2"]
)
def test_what_was_not_signed_here_counts_for_nothing(damaged: str) -> None:
    ours = sessions()
    assert ours.key_of("GET", cookie(ours.name, damaged)) is None
    longer = ours.made(KEY, ENDS).replace(str(ENDS), str(ENDS + 1))
    assert ours.key_of("GET", cookie(ours.name, longer)) is None


def test_installations_do_not_take_each_others_cookies() -> None:
    ours, theirs = sessions(), sessions("1" * 32)
    assert ours.name != theirs.name
    assert ours.key_of("GET", cookie(ours.name, theirs.made(KEY, ENDS))) is None


@pytest.mark.parametrize(
    ("method", "headers", "counts"),
    [
        ("GET", {"sec-fetch-site": "same-origin"}, True),
        ("POST", {"sec-fetch-site": "same-origin"}, True),
        ("GET", {"sec-fetch-site": "none"}, True),  # typed, or a bookmark
        ("POST", {"sec-fetch-site": "none"}, False),
        ("GET", {"sec-fetch-site": "same-site"}, False),
        ("GET", {"sec-fetch-site": "cross-site", "origin": "http://here:1"}, False),
        ("POST", {"origin": "http://here:1"}, True),
        ("POST", {"origin": "https://public.example"}, True),
        ("POST", {"origin": "http://here:2"}, False),
        ("GET", {"origin": "http://here:2"}, False),
        ("POST", {"origin": "null"}, False),
        ("GET", {}, True),
        ("POST", {}, False),
        ("DELETE", {}, False),
    ],
)
def test_it_counts_for_our_own_pages_alone(method: str, headers: dict[str, str], counts: bool) -> None:
    assert from_own_page(method, {"host": "here:1", **headers}, "public.example") is counts
    ours = sessions(public_url="https://public.example")
    found = ours.key_of(method, cookie(ours.name, ours.made(KEY, ENDS)) | headers)
    assert (found is not None) is counts


def test_an_origin_without_a_host_is_not_ours() -> None:
    assert not from_own_page("POST", {"origin": "null"}, "")
    assert not from_own_page("POST", {"origin": "http://"}, "")


def test_a_key_that_is_taken_away_ends_its_sessions() -> None:
    def callers(keys: str) -> Callers:
        return Callers(Settings(api_key=SecretStr(keys)))

    assert callers("a,b").vouched(KEY) == callers("a,b").find({"x-api-key": "a"})
    assert callers("b").vouched(KEY) is None


def test_wrong_keys_are_bounded_by_the_address_that_they_come_from() -> None:
    now = 0.0
    attempts = Attempts(lambda: now)
    for _ in range(ATTEMPTS):
        attempts.check("1.2.3.4")
        attempts.fail("1.2.3.4")
        now += 1
    with pytest.raises(RateLimited) as refused:
        attempts.check("1.2.3.4")
    assert refused.value.retry_after == WITHIN_S - ATTEMPTS + 1
    attempts.check("1.2.3.5")
    now += refused.value.retry_after or 0
    attempts.check("1.2.3.4")
