"""Which web pages may use a server, and under which names it may be called: tables."""

import pytest
from pydantic import SecretStr

from api.edge.exposure import check_exposure
from api.edge.pages import Pages, pages_of
from models.errors import Forbidden, ForeignHost, ForeignPage, InvalidRequest
from models.settings import Settings

HERE = {"host": "127.0.0.1:9997"}
MINE = "https://app.example.com"


def pages(origins: str = "", *, key: str = "", host: str = "127.0.0.1", url: str = "") -> Pages:
    return pages_of(Settings(cors_origins=origins, api_key=SecretStr(key), host=host, public_url=url))


def refused(found: Pages, method: str, headers: dict[str, str]) -> type[Forbidden] | None:
    try:
        found.check(method, headers)
    except (ForeignHost, ForeignPage) as error:
        return type(error)
    return None


@pytest.mark.parametrize(
    ("listed", "key", "allowed", "others"),
    [
        (
            "",
            "",
            [
                "http://localhost",
                "https://localhost:5173",
                "http://127.0.0.1:80",
                "http://[::1]:1",
                "http://a.localhost",
            ],
            ["null", MINE, "http://localhost.evil.com", "http://127.0.0.1.evil.com", "http://localhost:1@evil.com"],
        ),
        ("", "k", [], ["http://localhost", "http://127.0.0.1:80", MINE, "null", ""]),
        ("*", "k", [MINE, "null", "http://localhost", "app://obsidian.md"], []),
        (
            f" {MINE.upper()}/ ,http://localhost:*",
            "",
            [MINE, "http://localhost:5"],
            [f"{MINE}:444", "http://127.0.0.1"],
        ),
        (MINE, "k", [MINE], ["http://app.example.com", "https://app-example.com", "https://x.app.example.com"]),
        (
            "https://*.example.com",
            "k",
            [MINE, "https://a.b.example.com"],
            ["https://example.com", "https://xexample.com"],
        ),
        ("app://*,file://,null", "k", ["app://obsidian.md", "file://", "null"], ["https://x", "app://a/b", "apps://x"]),
    ],
)
def test_pages_of_these_origins_are_allowed(listed: str, key: str, allowed: list[str], others: list[str]) -> None:
    found = pages(listed, key=key)
    assert [one for one in allowed + others if found.allows(one)] == allowed


@pytest.mark.parametrize(
    "listed", ["*", "null", f"{MINE},*", "app.example.com", "https://*", "https://a/b", "https://a:x"]
)
def test_settings_that_name_no_origins_or_all_without_a_key_are_refused(listed: str) -> None:
    with pytest.raises(InvalidRequest, match="HEADRACE_CORS_ORIGINS"):
        check_exposure(Settings(cors_origins=listed))


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("localhost", True),
        ("LocalHost.:9997", True),
        ("api.localhost:9997", True),
        ("127.0.0.1:9997", True),
        ("127.8.8.8", True),
        ("[::1]:9997", True),
        ("127.0.0.2:1", True),
        ("ai.example.com", True),
        ("host.docker.internal:9997", True),
        ("", True),
        ("evil.com", False),
        ("evil.com:9997", False),
        ("localhost.evil.com", False),
        ("127.0.0.1.evil.com", False),
        ("evil.com/localhost", False),
        ("localhost@evil.com", False),
        ("evil.com@localhost", False),
        ("192.168.0.4", False),
        ("[::1", False),
        ("notlocalhost", False),
    ],
)
def test_without_a_key_a_server_answers_to_names_of_its_own(host: str, known: bool) -> None:
    found = pages(host="127.0.0.2", url="https://AI.example.com/base")
    for method in ("GET", "HEAD", "OPTIONS", "POST", "DELETE"):
        assert refused(found, method, {"host": host}) is (None if known else ForeignHost)
    assert refused(pages(key="k"), "POST", {"host": host}) is None


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, None),
        ({"origin": "http://localhost:5173", "sec-fetch-site": "cross-site"}, None),
        ({"origin": "http://127.0.0.1:9997", "sec-fetch-site": "same-origin"}, None),
        ({"origin": "https://AI.example.com"}, None),
        ({"sec-fetch-site": "none"}, None),
        ({"sec-fetch-site": "same-origin"}, None),
        ({"origin": "https://evil.com"}, ForeignPage),
        ({"origin": "https://evil.com", "sec-fetch-site": "cross-site"}, ForeignPage),
        ({"origin": "null"}, ForeignPage),
        ({"origin": "https://ai.example.com.evil.com"}, ForeignPage),
        ({"sec-fetch-site": "cross-site"}, ForeignPage),
        ({"sec-fetch-site": "same-site"}, ForeignPage),
    ],
)
def test_what_a_strangers_page_causes_changes_nothing(headers: dict[str, str], why: type[Forbidden] | None) -> None:
    found = pages(url="https://ai.example.com")
    for method in ("POST", "PUT", "PATCH", "DELETE", "QUERY"):
        assert refused(found, method, HERE | headers) is why
    for method in ("GET", "HEAD", "OPTIONS"):
        assert refused(found, method, HERE | headers) is None


def test_a_page_that_the_server_itself_has_may_use_it_under_any_name() -> None:
    found = pages(key="k")
    assert refused(found, "POST", {"host": "ai.lan:9997", "origin": "http://ai.lan:9997"}) is None
    assert refused(found, "POST", {"host": "ai.lan:9997", "origin": "http://ai.lan"}) is ForeignPage
    assert refused(found, "POST", {"origin": "null"}) is ForeignPage
