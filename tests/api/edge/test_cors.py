"""What a gateway that runs tells browsers of its answers (``api.edge.cors``); and HEAD (``api.edge.heads``)."""

from collections.abc import Iterator

import httpx
import pytest

from tests.support.gateways import Lone, gateway
from tests.support.servers import Valkey

PAGE = "http://localhost:5173"
STRANGER = "https://evil.com"
NAMES = "authorization, content-type, x-stainless-os, x-any-thing"


@pytest.fixture(scope="module")
def open_gateway(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    """A gateway without a key."""
    with gateway(valkey, tmp_path_factory.mktemp("open")) as lone:
        yield lone


@pytest.fixture(scope="module")
def keyed_gateway(valkey: Valkey, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lone]:
    """A gateway with a key, that all pages may use."""
    env = {"HEADRACE_API_KEY": "key", "HEADRACE_CORS_ORIGINS": "*", "HEADRACE_MAX_BODY_BYTES": "1000"}
    with gateway(valkey, tmp_path_factory.mktemp("keyed"), env) as lone:
        yield lone


def preflight(lone: Lone, path: str, origin: str, method: str = "POST") -> httpx.Response:
    headers = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": NAMES}
    return httpx.options(lone.url + path, headers=headers)


PATHS = ["/v1/chat/completions", "/v1/messages", "/v1/images/edits", "/v1/jobs/1", "/v1/artifacts/1/a.png", "/healthz"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_a_preflight_is_answered(open_gateway: Lone, keyed_gateway: Lone, path: str, method: str) -> None:
    for lone, origin, allowed in ((open_gateway, PAGE, PAGE), (keyed_gateway, STRANGER, "*")):
        answer = preflight(lone, path, origin, method)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == allowed
        assert answer.headers["access-control-allow-headers"] == NAMES
        assert method in answer.headers["access-control-allow-methods"].split(", ")
        assert "access-control-allow-credentials" not in answer.headers


def test_the_preflight_of_a_strangers_page_is_refused(open_gateway: Lone) -> None:
    answer = preflight(open_gateway, "/v1/chat/completions", STRANGER)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers


def test_pages_may_read_every_answer_and_all_of_its_headers(open_gateway: Lone, keyed_gateway: Lone) -> None:
    key = {"authorization": "Bearer key"}
    large = httpx.post(f"{keyed_gateway.url}/v1/chat/completions", content=b"x" * 1001, headers={"origin": PAGE} | key)
    for answer, status in (
        (httpx.get(f"{keyed_gateway.url}/v1/models", headers={"origin": PAGE}), 401),
        (httpx.get(f"{keyed_gateway.url}/v1/models", headers={"origin": PAGE} | key), 200),
        (httpx.get(f"{keyed_gateway.url}/v1/artifacts/a/b.png", headers={"origin": PAGE}), 403),
        (large, 413),
        (httpx.get(f"{open_gateway.url}/nothing", headers={"origin": PAGE}), 404),
        (httpx.post(f"{open_gateway.url}/v1/chat/completions", json={}, headers={"origin": PAGE}), 400),
    ):
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] in ("*", PAGE)
        assert answer.headers["access-control-expose-headers"] == "*"
        assert "x-request-id" in answer.headers
    assert (
        "access-control-allow-origin"
        not in httpx.get(f"{open_gateway.url}/v1/models", headers={"origin": STRANGER}).headers
    )


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v1/images/edits", lambda body: body["error"]["code"]),
        ("/v1/audio/transcriptions", lambda body: body["error"]["code"]),
        ("/v1/files", lambda body: body["error"]["code"]),
        ("/v1/jobs/1/cancel", lambda body: body["error"]["code"]),
        ("/v1/batches/1/cancel", lambda body: body["error"]["code"]),
        ("/v1/models", lambda body: body["error"]["code"]),
        ("/v1/messages", lambda body: body["error"]["details"]["error_code"]),
        ("/sdapi/v1/interrupt", lambda body: body["error"]),
    ],
)
def test_a_strangers_page_is_refused_in_the_words_of_the_protocol(open_gateway: Lone, path: str, code: object) -> None:
    for headers in ({"origin": STRANGER}, {"sec-fetch-site": "cross-site"}):
        for form in ({"files": {"file": b"x"}}, {"data": {"a": "b"}}):
            answer = httpx.post(open_gateway.url + path, headers=headers, **form)
            assert answer.status_code == 403
            assert callable(code)
            assert code(answer.json()) == "origin_not_allowed"
            assert "x-request-id" in answer.headers


def test_a_server_without_a_key_is_not_reached_by_another_name(open_gateway: Lone, keyed_gateway: Lone) -> None:
    evil = {"host": f"evil.com:{open_gateway.port}", "origin": f"http://evil.com:{open_gateway.port}"}
    for method, path in (
        ("GET", "/v1/models"),
        ("DELETE", "/v1/models/a"),
        ("POST", "/v1/models"),
        ("GET", "/healthz"),
    ):
        answer = httpx.request(method, open_gateway.url + path, headers=evil)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "host_not_allowed")
        assert "HEADRACE_PUBLIC_URL" in answer.json()["error"]["message"]
    assert httpx.get(f"{keyed_gateway.url}/healthz", headers={"host": "evil.com"}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/v1/models", "/v1/jobs", "/v1/files", "/openapi.json", "/metrics"]
)
def test_head_is_answered_as_get_is(open_gateway: Lone, path: str) -> None:
    whole, head = httpx.get(open_gateway.url + path), httpx.head(open_gateway.url + path)
    assert head.status_code == whole.status_code
    assert head.content == b""
    assert whole.content
    changing = ("date", "x-request-id", "content-length") if path == "/metrics" else ("date", "x-request-id")
    assert {name: value for name, value in head.headers.items() if name not in changing} == {
        name: value for name, value in whole.headers.items() if name not in changing
    }


@pytest.mark.parametrize(("origin", "allowed"), [(PAGE, PAGE), (STRANGER, None)])
def test_pages_may_read_what_the_parser_refuses(
    open_gateway: Lone, keyed_gateway: Lone, origin: str, allowed: str | None
) -> None:
    for lone, expected in ((open_gateway, allowed), (keyed_gateway, "*")):
        answer = httpx.get(f"{lone.url}/healthz", headers={"origin": origin, "x": "y" * (1 << 16)})
        assert answer.status_code == 431
        assert answer.headers.get("access-control-allow-origin") == expected


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/jobs", "GET, HEAD, POST"),
        ("PUT", "/v1/models/a", "DELETE, GET, HEAD, PATCH"),
        ("GET", "/v1/chat/completions", "POST"),
        ("PUT", "/v1/files/a", "DELETE, GET, HEAD"),
    ],
)
def test_all_methods_of_a_path_are_named(open_gateway: Lone, method: str, path: str, allowed: str) -> None:
    answer = httpx.request(method, open_gateway.url + path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


def test_head_of_what_answers_no_get(open_gateway: Lone, keyed_gateway: Lone) -> None:
    for path, status in (("/v1/chat/completions", 405), ("/v1/models/none", 404), ("/nothing", 404)):
        assert httpx.head(open_gateway.url + path).status_code == status
    assert httpx.head(f"{keyed_gateway.url}/v1/models").status_code == 401
