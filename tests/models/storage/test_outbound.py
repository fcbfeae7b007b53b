"""Requests to clients' URLs, against real servers on this machine: what is reached, and what is not."""

import gzip
import ipaddress
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from models.errors import InvalidRequest
from models.storage.outbound import Outbound, bare, is_public
from tests.support.web import Handler, Server, self_signed, serving

PUBLIC = "93.184.216.34"
HERE = "127.0.0.1/32"

PRIVATE_HOSTS = """
    127.0.0.1 2130706433 0x7f.1 0177.1 127.1 127。0。0。1 0.0.0.0 0 [::] [::1] localhost localhost. a..b [fe80::1%25lo]
    [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [64:ff9b::7f00:1] [64:ff9b:1::1] [2002:7f00:1::] [2001:0:1::1]
    169.254.169.254 100.100.100.200 10.1.2.3 172.16.0.1 192.168.0.1 192.0.0.9 224.0.0.1 255.255.255.255
    [fc00::1] [fd00:ec2::254] [fe80::1] [fec0::1] [ff0e::1] [5f00::1]
"""

INVALID_URLS = (
    "",
    "/etc/passwd",
    "//example.com/",
    "https:///x",
    "https://0177.0.0.1/",
    "https:example.com",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "data:text/plain,x",
    "http://example.com/",
    "https://user:pass@example.com/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:x/",
    "https://exam\nple.com/",
    "https://example.com/\x00",
    "https://example.com/\ud800",
    "https://example.com/" + "x" * 2000,
    "https://example.com/" + "ä" * 1000,
)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server()) as found:
        yield found


async def _refused(outbound: Outbound, url: str, max_bytes: int = 1000, **options: object) -> str:
    with pytest.raises(InvalidRequest) as caught:
        await outbound.fetch(url, param="url", max_bytes=max_bytes, **options)  # type: ignore[arg-type]
    assert caught.value.param == "url"
    return caught.value.message


def _resolving(*addresses: str, allow: str = "") -> Outbound:
    return Outbound(allow, resolve=lambda _: list(addresses))


# ---- addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", PRIVATE_HOSTS.split())
async def test_private_addresses_are_not_reached(host: str) -> None:
    outbound, url = Outbound(), f"https://{host}/latest/meta-data"
    assert "public addresses" in await _refused(outbound, url)
    with pytest.raises(InvalidRequest, match="public addresses") as caught:
        await outbound.check_url(url, "webhook")
    assert caught.value.param == "webhook"
    assert (await outbound.post(url, b"", {})).status == 0


@pytest.mark.parametrize("url", INVALID_URLS)
async def test_what_is_no_https_url_is_refused_before_anything_is_resolved(url: str) -> None:
    asked: list[str] = []

    def resolve(host: str) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    outbound = Outbound(resolve=resolve)
    with pytest.raises(InvalidRequest, match=r"^the URL .*(valid|https://|password|longer)"):
        await outbound.check_url(url, "url")
    assert asked == (["example.com"] if url.startswith("http://") else [])
    assert (await outbound.post(url, b"", {})).refused


@pytest.mark.parametrize("text", ["1.1.1.1", PUBLIC, "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_public_addresses_are_public(text: str) -> None:
    assert is_public(bare(ipaddress.ip_address(text)))


async def test_every_address_of_a_name_must_be_public() -> None:
    for found in ([PUBLIC, "10.0.0.1"], ["::1", PUBLIC], []):
        assert "public addresses" in await _refused(_resolving(*found), "https://mixed.test/")
    assert await _resolving(PUBLIC).check_url("https://Fine.test:443#x", "url") == "https://fine.test/"


async def test_a_name_unknown_and_a_name_private_are_told_alike() -> None:
    def unknown(_host: str) -> list[str]:
        raise OSError("no such host")

    for resolve in (unknown, lambda _: ["10.0.0.1"]):
        with pytest.raises(InvalidRequest, match=r"^the URL's host does not resolve to public addresses$"):
            await Outbound(resolve=resolve).check_url("https://secret.corp/", "url")


async def test_a_name_unknown_just_now_may_be_tried_again() -> None:
    def unknown(_host: str) -> list[str]:
        raise OSError("no such host")

    response = await Outbound(resolve=unknown).post("https://away.test/", b"", {})
    assert (response.status, response.refused) == (0, False)
    assert (await Outbound().post("https://127.0.0.1/", b"", {})).refused


async def test_a_resolver_that_hangs_is_not_waited_for() -> None:
    over = threading.Event()
    outbound = Outbound(resolve=lambda _: [PUBLIC] if over.wait() else [])
    try:
        with pytest.raises(InvalidRequest):
            await outbound.check_url("https://slow.test/", "url", timeout_s=0.1)
        assert (await outbound.post("https://slow.test/", b"", {}, timeout_s=0.1)).error == "no answer within 0.1 s"
    finally:
        over.set()


async def test_a_name_that_is_bound_anew_after_the_check_is_refused(server: Server) -> None:
    answers = [[PUBLIC], ["127.0.0.1"]]
    outbound = Outbound(resolve=lambda _: answers.pop(0))
    url = await outbound.check_url(f"https://rebind.test:{server.port}/", "url")
    assert "public addresses" in await _refused(outbound, url)
    assert server.seen == []


async def test_a_name_is_resolved_once_and_that_address_is_connected_to(server: Server) -> None:
    answers = [["127.0.0.1"], ["192.0.2.1"]]
    server.routes["/a"] = lambda handler: handler.answer(b"seven")
    outbound = Outbound(HERE, resolve=lambda _: answers.pop(0))
    found = await outbound.fetch(f"http://media.test:{server.port}/a?b=c#d", param="url", max_bytes=5)
    assert (found.body, found.size, found.url) == (b"seven", 5, f"http://media.test:{server.port}/a?b=c")
    assert server.seen == [("/a?b=c", f"media.test:{server.port}")]
    assert len(answers) == 1


async def test_the_next_address_is_tried_when_one_does_not_connect(server: Server) -> None:
    server.routes["/"] = lambda handler: handler.answer(b"x")
    outbound = _resolving("127.0.0.9", "127.0.0.1", allow="127.0.0.0/8")
    assert (await outbound.fetch(f"http://two.test:{server.port}", param="url", max_bytes=5)).body == b"x"


async def test_proxies_in_the_environment_are_not_used(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.routes["/"] = lambda handler: handler.answer(b"x")
    assert (await Outbound(HERE).fetch(server.url, param="url", max_bytes=5)).body == b"x"


def test_an_allowance_that_is_no_network_is_an_error() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Outbound("10.0.0.0/8, nonsense")


# ---- redirects ---------------------------------------------------------------------------------------------


def _redirect(status: int, location: str) -> Callable[[Handler], None]:
    return lambda handler: handler.answer(status=status, location=location)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed_only_to_where_one_may_go(status: int) -> None:
    with serving(Server("127.0.0.2")) as inner, serving(Server()) as server:
        inner.routes["/secret"] = lambda handler: handler.answer(b"secret")
        for location in (f"http://127.0.0.2:{inner.port}/secret", "https://169.254.169.254/", "file:///etc/passwd"):
            server.routes["/"] = _redirect(status, location)
            assert "secret" not in await _refused(Outbound(HERE), server.url)
        assert inner.seen == []


async def test_three_redirects_are_followed_and_no_more(server: Server) -> None:
    for number in range(4):
        server.routes[f"/{number}"] = _redirect(302, f"{number + 1}?x#y")
    server.routes["/4"] = lambda handler: handler.answer(b"end")
    found = await Outbound(HERE).fetch(f"{server.url}/1", param="url", max_bytes=5)
    assert (found.body, found.url) == (b"end", f"{server.url}/4?x")
    assert "more than 3 times" in await _refused(Outbound(HERE), f"{server.url}/0")


async def test_a_post_is_not_redirected(server: Server) -> None:
    server.routes["/"] = lambda handler: handler.answer(status=307, location="/other")
    assert (await Outbound(HERE).post(server.url, b"{}", {})).status == 307
    assert len(server.seen) == 1


# ---- bodies ------------------------------------------------------------------------------------------------


def _chunked(handler: Handler, pieces: int, pause_s: float = 0) -> None:
    handler.send_response(200)
    handler.send_header("transfer-encoding", "chunked")
    handler.end_headers()
    for _ in range(pieces):
        handler.wfile.write(b"400\r\n" + b"x" * 0x400 + b"\r\n")
        time.sleep(pause_s)
    handler.wfile.write(b"0\r\n\r\n")


async def test_a_body_is_cut_off_where_it_grows_too_large(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "body"
    server.routes["/said"] = lambda handler: handler.answer(b"x" * 1001)
    server.routes["/endless"] = lambda handler: _chunked(handler, 1 << 20)
    server.routes["/fits"] = lambda handler: _chunked(handler, 2)
    for path in ("said", "endless"):
        assert await _refused(Outbound(HERE), f"{server.url}/{path}", to=file) == "the URL gives more than 1000 bytes"
        assert not file.exists()
    found = await Outbound(HERE).fetch(f"{server.url}/fits", param="url", max_bytes=2048, to=file)
    assert (found.size, found.body, file.read_bytes()) == (2048, b"", b"x" * 2048)


async def test_a_body_is_not_decompressed(server: Server) -> None:
    bomb = gzip.compress(bytes(1 << 20))
    server.routes["/"] = lambda handler: handler.answer(bomb, content_encoding="gzip")
    assert "compressed" in await _refused(Outbound(HERE), server.url, max_bytes=1 << 30)


async def test_the_type_must_be_one_that_was_asked_for(server: Server) -> None:
    outbound = Outbound(HERE)
    server.routes["/page"] = lambda handler: handler.answer(b"x", content_type="text/html; charset=utf-8")
    server.routes["/none"] = lambda handler: handler.answer(b"x")
    server.routes["/image"] = lambda handler: handler.answer(b"x", content_type="Image/PNG;a=b")
    for path in ("page", "none"):
        assert "image/* or audio/wav" in await _refused(
            outbound, f"{server.url}/{path}", types=["image/*", "audio/wav"]
        )
    for types in (["image/*"], ["image/png"], None):
        found = await outbound.fetch(f"{server.url}/image", param="url", max_bytes=5, types=types)
        assert found.media_type == "image/png"


@pytest.mark.parametrize("status", [204, 206, 304, 404, 500])
async def test_only_200_gives_a_body(server: Server, status: int) -> None:
    server.routes["/"] = lambda handler: handler.answer(status=status)
    assert str(status) in await _refused(Outbound(HERE), server.url)


def _dripping_head(handler: Handler) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        handler.wfile.write(b"x-%d: y\r\n" % number)
        time.sleep(0.04)


@pytest.mark.parametrize("slow", [lambda handler: _chunked(handler, 100_000, 0.04), _dripping_head, Handler.hang])
async def test_a_slow_server_has_the_time_it_has_and_no_more(
    server: Server, slow: Callable[[Handler], None], tmp_path: Path
) -> None:
    server.routes["/"] = slow
    message = await _refused(Outbound(HERE), server.url, 1 << 30, timeout_s=0.3, to=tmp_path / "body")
    assert message == "the URL was not fetched within 0.3 s"
    assert not (tmp_path / "body").exists()


async def test_what_is_not_http_or_not_there_is_said_so(server: Server) -> None:
    server.routes["/"] = lambda handler: handler.wfile.write(b"220 smtp ready\r\n")
    assert "was not HTTP" in await _refused(Outbound(HERE), server.url)
    with serving(Server()) as gone:
        pass
    assert "cannot be connected to" in await _refused(Outbound(HERE), gone.url)
    assert await Outbound(HERE).post(gone.url, b"", {}) == await Outbound(HERE).post(gone.url, b"", {})


async def test_a_post_gives_status_and_the_start_of_a_complaint(server: Server) -> None:
    server.routes["/fine"] = lambda handler: handler.answer(b"thanks", status=202)
    server.routes["/bad"] = lambda handler: handler.answer(b"n" * 5000, status=503, retry_after="7")
    outbound = Outbound(HERE)
    assert (await outbound.post(f"{server.url}/fine", b"hello", {"x-a": "b"})).excerpt == b""
    bad = await outbound.post(f"{server.url}/bad", b"there", {})
    assert (bad.status, bad.retry_after, bad.excerpt) == (503, "7", b"n" * 1024)
    assert server.posted == [b"hello", b"there"]


# ---- TLS ---------------------------------------------------------------------------------------------------


async def test_the_certificate_is_checked_for_the_name_not_the_address(server: Server, tmp_path: Path) -> None:
    certificate, both = self_signed(tmp_path, "media.test")
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)

    def hear(_socket: object, name: str | None, _context: object) -> None:
        asked.append(name)

    context.sni_callback = hear
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.routes["/"] = lambda handler: handler.answer(b"x")
    trusting = Outbound(HERE, resolve=lambda _: ["127.0.0.1"], tls=ssl.create_default_context(cafile=str(certificate)))
    url = f"https://media.test:{server.port}/"

    assert (await trusting.fetch(url, param="url", max_bytes=5)).body == b"x"
    assert asked == ["media.test"]
    assert server.seen == [("/", f"media.test:{server.port}")]
    assert "not valid for 'other.test'" in await _refused(trusting, url.replace("media", "other"))
    assert "certificate is not valid" in await _refused(trusting, f"https://127.0.0.1:{server.port}/")
    distrusting = _resolving("127.0.0.1", allow=HERE)
    assert "certificate is not valid" in (await distrusting.post(url, b"", {})).error
    assert len(server.seen) == 1
