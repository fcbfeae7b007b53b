"""Signed links to artifacts, from a folder and from a bucket, fetched by a plain HTTP client."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from api.edge import errors
from api.edge.caller import Callers
from api.edge.heads import Heads
from api.edge.middleware import Edge
from api.edge.pages import pages_of
from api.edge.session import Sessions
from api.jobs.stored_files import span
from api.routes import artifacts
from models.errors import BadSignature, UrlExpired
from models.settings import Settings
from models.storage.artifacts import Store, disposition, open_store
from models.storage.secrets import derived
from models.storage.signing import PURPOSE, link, verify
from tests.support.s3 import serving
from tests.support.servers import wait_for

LARGE = random.Random(4).randbytes(20 << 20)
PNG = b"\x89PNG\r\n\x1a\n and so on"


@dataclass(frozen=True)
class Site:
    """A server with the route, behind the edge with an API key."""

    url: str
    store: Store
    secret: bytes

    def link(self, key: str, media_type: str, filename: str = "", expires_s: int = 60) -> str:
        return link(
            self.store,
            key,
            secret=self.secret,
            base_url=self.url,
            expires_s=expires_s,
            media_type=media_type,
            filename=filename or key.rpartition("/")[2],
        )


@contextmanager
def running(settings: Settings, store: Store) -> Iterator[Site]:
    app = FastAPI()
    app.include_router(artifacts.router)
    app.state.gateway = SimpleNamespace(settings=settings, store=store)
    app.add_middleware(Heads)
    keyed = Settings(api_key=SecretStr("key"))
    callers, sessions, pages = Callers(keyed), Sessions(keyed), pages_of(keyed)
    app.add_middleware(
        Edge, callers=callers, sessions=sessions, pages=pages, max_body_bytes=1000, max_upload_bytes=1 << 20
    )
    errors.install(app)
    with serving(app) as url:
        yield Site(url, store, derived(settings, PURPOSE))


@pytest.fixture
def site(artifacts_url: str, tmp_path: Path) -> Iterator[Site]:
    with running(Settings(home=tmp_path / "home"), open_store(artifacts_url)) as found:
        yield found


@pytest.fixture
def gateway_site(artifacts_url: str, tmp_path: Path) -> Iterator[Site]:
    """As ``site``, but the links lead through the gateway whatever the store."""
    url = artifacts_url + "&links=gateway" * artifacts_url.startswith("s3")
    with running(Settings(home=tmp_path / "home"), open_store(url)) as found:
        assert found.store.presigned("a", 60) is None
        yield found


def test_a_link_serves_the_file(site: Site) -> None:
    site.store.put("jobs/1/1/i.png", PNG, "image/png")
    answer = httpx.get(site.link("jobs/1/1/i.png", "image/png"))
    assert (answer.status_code, answer.content) == (200, PNG)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["etag"]
    part = httpx.get(site.link("jobs/1/1/i.png", "image/png"), headers={"range": "bytes=1-3"})
    assert (part.status_code, part.content) == (206, b"PNG")
    site.store.put("jobs/1/1/large.wav", LARGE, "audio/wav")
    assert httpx.get(site.link("jobs/1/1/large.wav", "audio/wav")).content == LARGE
    assert httpx.get(site.link("jobs/1/1/nope", "image/png")).status_code == 404


def test_a_link_altered_or_expired_is_refused(site: Site) -> None:
    for key in ("a/mine.png", "a/other.png"):
        site.store.put(key, PNG, "image/png")
    good = site.link("a/mine.png", "image/png")
    assert httpx.get(good).status_code == 200
    assert httpx.get(good.replace("mine", "other", 1)).status_code == 403
    assert httpx.get(good.partition("?")[0]).status_code in (400, 403)
    for name, (value,) in parse_qs(urlsplit(good).query).items():
        if name in ("X-Amz-Algorithm", "X-Amz-SignedHeaders"):
            continue
        for altered in (value[:-1] + ("1" if value[-1] == "0" else "0"), ""):
            query = parse_qs(urlsplit(good).query) | {name: [altered]}
            found = httpx.get(f"{good.partition('?')[0]}?{urlencode(query, doseq=True)}")
            assert found.status_code in (400, 403), f"{name}={altered}: {found.text}"
            assert PNG not in found.content
    short = site.link("a/mine.png", "image/png", expires_s=1)
    wait_for(lambda: httpx.get(short).status_code in (400, 403), 20, "it holds for longer than its second")


def test_through_the_gateway(gateway_site: Site) -> None:
    site = gateway_site
    site.store.put("f/page.html", b"<script>", "text/html")
    url = site.link("f/page.html", "text/html", filename='Ü "1".html')
    assert url.startswith(site.url)
    answer = httpx.get(url)
    assert (answer.status_code, answer.content) == (200, b"<script>")
    headers = answer.headers
    assert headers["content-type"] == "text/html; charset=utf-8"
    assert headers["content-length"] == "8"
    assert headers["accept-ranges"] == "bytes"
    assert headers["content-disposition"] == (
        "attachment; filename=\"_ _1_.html\"; filename*=UTF-8''%C3%9C%20%221%22.html"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox"
    assert headers["cache-control"] in ("private, max-age=60", "private, max-age=59")
    head = httpx.head(url)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag", "last-modified"):
        assert head.headers[name] == headers[name]
    assert httpx.get(site.link("f/page.html", "audio/wav")).headers["content-disposition"].startswith("inline")
    odd = httpx.get(site.link("f/page.html", "a/b\r\nSet-Cookie: c"))
    assert odd.headers["content-type"] == "application/octet-stream"
    assert "set-cookie" not in odd.headers
    again = httpx.get(url, headers={"if-none-match": f'"x", W/{headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")


def test_ranges_through_the_gateway(gateway_site: Site) -> None:
    gateway_site.store.put("r.wav", LARGE, "audio/wav")
    url = gateway_site.link("r.wav", "audio/wav")
    size = len(LARGE)
    for asked, start, end in (
        ("bytes=0-", 0, size),
        ("bytes=5-9", 5, 10),
        ("bytes=4194300-4194309", 4194300, 4194310),
        (f"bytes=5-{size * 2}", 5, size),
        ("bytes=-7", size - 7, size),
    ):
        answer = httpx.get(url, headers={"range": asked})
        assert (answer.status_code, answer.content) == (206, LARGE[start:end])
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    for asked in (f"bytes={size}-", "bytes=-0"):
        answer = httpx.get(url, headers={"range": asked})
        assert answer.status_code == 416
        assert answer.headers["content-range"] == f"bytes */{size}"
        assert answer.json()["error"]["code"] == "invalid_range"
    changed = httpx.get(url, headers={"range": "bytes=5-9", "if-range": '"another"'})
    assert (changed.status_code, len(changed.content)) == (200, size)


def test_the_gateway_says_why(gateway_site: Site) -> None:
    gateway_site.store.put("a", b"1", "text/plain")
    for path in ("/v1/artifacts/a", "/v1/artifacts/", "/v1/artifacts/..%2F..%2Fetc%2Fpasswd"):
        answer = httpx.get(gateway_site.url + path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "bad_signature")
        assert answer.json()["error"]["type"] == "invalid_request_error"
    gone = gateway_site.link("a", "text/plain", expires_s=-1)
    assert httpx.get(gone).json()["error"]["code"] == "url_expired"
    missing = httpx.get(gateway_site.link("nope", "text/plain"))
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")
    assert httpx.get(f"{gateway_site.url}/v1/models").status_code == 401, "everything else still asks for a key"
    assert httpx.get(f"{gateway_site.url}/v1/artifacts").status_code == 401


def test_a_signature_holds_for_what_it_was_made(tmp_path: Path) -> None:
    def made(key: str, seconds: int, name: str = "n&m=1") -> dict[str, str]:
        url = link(store, key, secret=b"s", base_url="http://h/", expires_s=seconds, media_type="a/b", filename=name)
        query = dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))
        return {"media_type": query.pop("type"), "filename": query.pop("name"), **query}

    store = open_store(tmp_path.as_uri())
    good = made("k/1", 60)
    assert 0 < verify("k/1", secret=b"s", **good) <= 60
    later = str(int(good["expires"]) + 1)
    for change in ({"media_type": "a/bn"}, {"filename": ""}, {"expires": later}, {"signature": "ä\ud800"}):
        with pytest.raises(BadSignature):
            verify("k/1", secret=b"s", **(good | change))
    moved = {"media_type": "a/bn", "filename": "&m=1"}  # the same letters, one of them on the other side
    with pytest.raises(BadSignature):
        verify("k/1", secret=b"s", **(good | moved))
    with pytest.raises(BadSignature):
        verify("k/1", secret=b"another", **good)
    with pytest.raises(BadSignature):
        verify("k/2", secret=b"s", **good)
    over = made("k/1", 0)
    with pytest.raises(UrlExpired):
        verify("k/1", secret=b"s", **over)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", None),
        ("bytes=0-0", (0, 1)),
        ("bytes=9-", (9, 10)),
        ("bytes=10-", (10, 10)),
        ("bytes=-20", (0, 10)),
        ("bytes=5-2", None),
        ("bytes=-", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
    ],
)
def test_a_range_is_understood(header: str, found: tuple[int, int] | None) -> None:
    assert span(header, 10) == found


def test_names_are_quoted() -> None:
    assert disposition("a b.png", "image/png") == 'inline; filename="a b.png"'
    assert (
        disposition('a"\r\nX: y', "text/html")
        == "attachment; filename=\"a___X_ y\"; filename*=UTF-8''a%22%0D%0AX%3A%20y"
    )
