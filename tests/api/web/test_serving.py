"""The files of the web interface, and what a browser is told with them."""

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from api.edge import errors
from api.web import serving
from models.storage.artifacts import open_store
from tests.support.s3 import S3

PAGE = "<!doctype html><html><head><title>x</title></head></html>"
OPENED = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text(PAGE)
    (built / "theme.js").write_text("1")
    (built / "assets" / "a-1.js").write_text("plain")
    (built / "assets" / "a-1.js.gz").write_bytes(gzip.compress(b"packed"))
    (tmp_path / "secret").write_text("s")
    monkeypatch.setattr(serving, "BUILT", built)
    app = FastAPI()
    app.state.gateway = SimpleNamespace(store=open_store((tmp_path / "artifacts").as_uri()))
    errors.install(app)
    app.include_router(serving.router)
    with TestClient(app, follow_redirects=False) as found:
        yield found


@pytest.mark.parametrize(
    ("path", "base"),
    [
        ("/ui/", "./"),
        ("/ui/models", "./"),
        ("/ui/models/qwen2.5", "../"),
        ("/ui/models/Qwen%2FQwen3", "../"),  # a browser counts the slashes that it sees
        ("/ui/a/b/c", "../../"),
        ("/ui/a/", "../"),
    ],
)
def test_the_page_finds_its_files_from_every_address(client: TestClient, path: str, base: str) -> None:
    answer = client.get(path, headers=OPENED)
    assert answer.status_code == 200
    assert answer.text == PAGE.replace("<head>", f'<head><base href="{base}">')
    assert answer.headers["cache-control"] == "no-cache"


def test_assets_are_kept_and_sent_as_they_were_packed(client: TestClient) -> None:
    plain = client.get("/ui/assets/a-1.js", headers={"accept-encoding": "identity"})
    assert (plain.text, plain.headers["cache-control"]) == ("plain", "public, max-age=31536000, immutable")
    with client.stream("GET", "/ui/assets/a-1.js", headers={"accept-encoding": "br, gzip"}) as answer:
        assert gzip.decompress(b"".join(answer.iter_raw())) == b"packed"
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["content-type"] == plain.headers["content-type"]
        assert answer.headers["vary"] == "Accept-Encoding"
    unpacked = client.get("/ui/assets/a-1.js", headers={"accept-encoding": "gzip;q=0"})
    assert unpacked.text == "plain"
    assert client.get("/ui/theme.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/ui/assets/gone.js", "/ui/assets/a/b", "/ui/assets/"])
@pytest.mark.parametrize("headers", [OPENED, {"accept": "*/*"}])
def test_a_missing_file_is_no_page(client: TestClient, path: str, headers: dict[str, str]) -> None:
    answer = client.get(path, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/ui/..%2Fsecret", "/ui/%2e%2e/secret", "/ui//etc/passwd", "/ui/a%00b"])
def test_nothing_outside_is_served(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"accept": "*/*"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["a" * 5_000, "a/" * 3_000, "models/" + "a" * 300, "assets/" + "a" * 5_000])
def test_a_name_too_long_for_a_file_is_an_address_as_others(client: TestClient, path: str) -> None:
    opened = client.get(f"/ui/{path}", headers=OPENED)
    assert opened.status_code == (404 if path.startswith("assets/") else 200)
    asked = client.get(f"/ui/{path}", headers={"accept": "*/*"})
    assert (asked.status_code, asked.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("path", ["/ui/", "/ui/models/x", "/ui/theme.js", "/ui/assets/a-1.js"])
def test_every_answer_says_what_a_page_may_do(client: TestClient, path: str) -> None:
    headers = client.get(path, headers=OPENED).headers
    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert not re.search(r"https?:", policy)
    assert "frame-ancestors 'none'" in policy
    told = {"x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "no-referrer"}
    assert {name: headers[name] for name in told} == told


def test_pictures_may_come_from_the_bucket_that_serves_them(client: TestClient, s3_server: S3) -> None:
    assert isinstance(client.app, FastAPI)
    client.app.state.gateway.store = open_store(s3_server.url("jobs", links="s3"))
    policy = client.get("/ui/", headers=OPENED).headers["content-security-policy"]
    assert f"img-src 'self' data: blob: {s3_server.endpoint};" in policy
    client.app.state.gateway.store = open_store(s3_server.url("jobs", links="gateway"))
    assert s3_server.endpoint not in client.get("/ui/", headers=OPENED).headers["content-security-policy"]


def test_the_root_leads_browsers_to_it_under_any_prefix(client: TestClient) -> None:
    for path in ("/", "/ui"):
        answer = client.get(path, headers=OPENED)
        assert (answer.status_code, answer.headers["location"]) == (307, "ui/")
    assert client.get("/").json()["ui"] == "ui/"


def test_without_it_the_page_says_what_builds_it(
    client: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "BUILT", tmp_path / "none")
    answer = client.get("/ui/models/x", headers=OPENED)
    assert answer.status_code == 503
    assert "make ui" in answer.text
    assert 'href="../../docs"' in answer.text
    told = client.get("/ui/")
    assert (told.status_code, "make ui" in told.json()["error"]["message"]) == (404, True)
