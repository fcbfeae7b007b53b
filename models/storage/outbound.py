"""Requests to URLs that clients gave: media to fetch, webhooks to call. They reach public addresses and nothing else.

A name is resolved once. Unless all its addresses may be reached, nothing is sent. The connection is then made to a
checked address, with the name in ``Host``, in the TLS handshake and in the check of the certificate. So a name that
resolves to another address the second time is of no use to an attacker, and a number in any notation is checked as the
address that it means. Any port may be named; to public addresses only TLS is used. Proxies in the environment are not
used.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import httpx
import msgspec

from models.errors import InvalidRequest

URL_CHARACTERS = 2000
REDIRECTS = 3
EXCERPT_BYTES = 1024

Resolve = Callable[[str], list[str]]
"""From a host name or number to its addresses. Blocks; raises OSError or UnicodeError."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
_NEVER = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments, some of them answered by the nearest router
        "192.88.99.0/24",  # relays of 6to4
        "2001::/32",  # Teredo, which holds an IPv4 address
        "2002::/16",  # 6to4, which holds an IPv4 address
        "3fff::/20",  # documentation; not known to this Python
    )
)


class _Unresolved(httpx.ConnectError):
    """The name has no addresses, or its name servers do not answer. That may be different later."""


class Fetched(msgspec.Struct, frozen=True):
    """What was fetched. ``url`` is its address after redirects; ``body`` is empty if it was written to a file."""

    url: str
    media_type: str
    size: int
    body: bytes = b""


class Response(msgspec.Struct, frozen=True):
    """The outcome of a POST. ``status`` is 0 if there was no answer; then ``error`` explains why, for clients."""

    status: int
    error: str = ""
    refused: bool = False
    """Whether the address may not be reached, so that trying again is useless."""
    retry_after: str = ""
    """The header of this name, as it came."""
    excerpt: bytes = b""
    """The start of the body, unless the status is 2xx."""


class Outbound:
    """Sends requests to clients' URLs. ``allow``: private networks that may be reached, also by plain http."""

    def __init__(self, allow: str = "", *, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None) -> None:
        """``allow`` is a comma-separated list of CIDRs; raises ValueError if it is not."""
        self._allow = [ipaddress.ip_network(part.strip(), strict=False) for part in allow.split(",") if part.strip()]
        self._resolve = resolve or addresses_of
        self._tls = tls or httpx.create_ssl_context()
        # Threads of its own, so that name servers which do not answer hold up nothing else.
        self._threads = ThreadPoolExecutor(32, thread_name_prefix="resolve")

    def close(self) -> None:
        """Start no more requests."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def check_url(self, url: str, param: str, timeout_s: float = 5) -> str:
        """This URL, normalised and without fragment, if requests to it are allowed. Raises InvalidRequest."""
        target = parse(url, param)
        try:
            async with asyncio.timeout(timeout_s):
                await self._checked(target, param)
        except (TimeoutError, _Unresolved) as error:
            raise _unreachable(param) from error
        return normal(target)

    async def fetch(
        self,
        url: str,
        *,
        param: str,
        max_bytes: int,
        types: Collection[str] | None = None,
        timeout_s: float = 10,
        to: Path | None = None,
    ) -> Fetched:
        """Fetch a URL into memory, or into the file ``to``, which is removed again after a failure.

        ``types`` are allowed media types, such as ``image/png`` or ``image/*``. Every failure is an InvalidRequest with
        ``param``. ``timeout_s`` bounds all of it together, redirects included.
        """
        target = parse(url, param)
        try:
            async with asyncio.timeout(timeout_s):
                for _ in range(1 + REDIRECTS):
                    async with self._sent("GET", target, param, timeout_s) as response:
                        if not response.has_redirect_location:
                            media_type = _acceptable(response, param, max_bytes, types)
                            size, body = await _received(response, param, max_bytes, to)
                            return Fetched(normal(target), media_type, size, body)
                        target = parse(response.headers["location"], param, target)
        except TimeoutError as error:
            raise InvalidRequest(f"the URL was not fetched within {timeout_s:g} s", param=param) from error
        except _Unresolved as error:
            raise _unreachable(param) from error
        except httpx.HTTPError as error:
            raise InvalidRequest(f"the URL cannot be fetched: {_why(error)}", param=param) from error
        raise InvalidRequest(f"the URL redirects more than {REDIRECTS} times", param=param)

    async def post(self, url: str, content: bytes, headers: Mapping[str, str], timeout_s: float = 10) -> Response:
        """Send a POST to this URL; returns the outcome. Redirects are not followed. Raises nothing."""
        try:
            async with asyncio.timeout(timeout_s):
                target = parse(url, "url")
                async with self._sent("POST", target, "url", timeout_s, content, headers) as response:
                    excerpt = b"" if response.is_success else await _excerpt(response)
                    return Response(
                        response.status_code, retry_after=response.headers.get("retry-after", ""), excerpt=excerpt
                    )
        except InvalidRequest as error:
            return Response(0, error.message, refused=True)
        except TimeoutError:
            return Response(0, f"no answer within {timeout_s:g} s")
        except httpx.HTTPError as error:
            return Response(0, _why(error))

    @asynccontextmanager
    async def _sent(
        self,
        method: str,
        url: httpx.URL,
        param: str,
        timeout_s: float,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """The response of the first checked address that can be connected to, its body not read yet."""
        addresses = await self._checked(url, param)
        fixed = {"host": url.netloc.decode(), "user-agent": "headrace", "accept": "*/*", "accept-encoding": "identity"}
        name = url.raw_host.decode().rstrip(".")
        timeout = httpx.Timeout(timeout_s, connect=timeout_s / len(addresses))
        # A client for each request: a connection that is kept may have been checked for another name, or long ago.
        async with httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=timeout) as client:
            for number, address in enumerate(addresses, 1):
                request = client.build_request(
                    method,
                    url.copy_with(host=address),
                    content=content,
                    headers=fixed | dict(headers or {}),
                    extensions={"sni_hostname": name},  # the certificate is checked for it, too
                )
                try:
                    response = await client.send(request, stream=True)
                except (httpx.ConnectError, httpx.ConnectTimeout):
                    if number == len(addresses):
                        raise
                    continue
                try:
                    yield response
                finally:
                    await response.aclose()
                return

    async def _checked(self, url: httpx.URL, param: str) -> list[str]:
        """The addresses of this URL's host.

        Raises InvalidRequest if one of them may not be reached, _Unresolved if there are none now.
        """
        try:
            loop = asyncio.get_running_loop()
            found = await loop.run_in_executor(self._threads, self._resolve, url.raw_host.decode())
        except (OSError, UnicodeError) as error:
            raise _Unresolved("its name cannot be resolved") from error
        addresses = [bare(ipaddress.ip_address(text)) for text in found]
        allowed = [any(address in network for network in self._allow) for address in addresses]
        if not found or not all(may or is_public(one) for may, one in zip(allowed, addresses, strict=True)):
            raise _unreachable(param)
        if url.scheme != "https" and not all(allowed):
            raise InvalidRequest("the URL must begin with https://", param=param)
        return found


def parse(url: str, param: str, base: httpx.URL | None = None) -> httpx.URL:
    """This URL, relative to ``base``, if it is well formed. Whether it may be reached is not checked here.

    Raises InvalidRequest.
    """
    try:
        parsed = base.join(url) if base else httpx.URL(url)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise InvalidRequest("the URL is not valid", param=param) from error
    if parsed.scheme not in ("https", "http"):
        raise InvalidRequest("the URL must begin with https://", param=param)
    if parsed.userinfo:
        raise InvalidRequest("the URL must not hold a user name or password", param=param)
    if not parsed.raw_host or not (parsed.port is None or 1 <= parsed.port <= 65535):
        raise InvalidRequest("the URL is not valid", param=param)
    if max(len(url), len(normal(parsed))) > URL_CHARACTERS:
        raise InvalidRequest(f"the URL is longer than {URL_CHARACTERS} characters", param=param)
    return parsed


def normal(url: httpx.URL) -> str:
    """This URL as text: ASCII, with a path, without fragment."""
    return f"{url.scheme}://{url.netloc.decode()}{url.raw_path.decode()}"


def addresses_of(host: str) -> list[str]:
    """The addresses of a name or number, in the system's order of preference. Raises OSError or UnicodeError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def bare(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, or translated by NAT64), else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether this is the address of one host on the public internet. Of IPv6 only 2000::/3 is in use (RFC 4291)."""
    if any(address in network for network in _NEVER) or (address.version == 6 and address not in _UNICAST):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _unreachable(param: str) -> InvalidRequest:
    # The same message for unknown names and private ones, so that clients cannot find out names of our network.
    return InvalidRequest("the URL's host does not resolve to public addresses", param=param)


def _acceptable(response: httpx.Response, param: str, max_bytes: int, types: Collection[str] | None) -> str:
    """The media type of an answer. Raises InvalidRequest if its status or its headers are not as required."""
    if response.status_code != 200:
        raise InvalidRequest(f"the URL answered with status {response.status_code}", param=param)
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise InvalidRequest("the URL answered with a compressed body, which was not asked for", param=param)
    media_type: str = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if types is not None and not {media_type, f"{media_type.partition('/')[0]}/*"} & set(types):
        raise InvalidRequest(f"the URL must give {' or '.join(types)}, not '{media_type[:100]}'", param=param)
    length = response.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > max_bytes:
        raise _too_large(param, max_bytes)
    return media_type


async def _received(response: httpx.Response, param: str, max_bytes: int, to: Path | None) -> tuple[int, bytes]:
    """The body's size, and the body unless it was written to a file. Raises InvalidRequest when it grows too large."""
    size = 0
    with _into(to) as file:
        async for piece in response.aiter_raw():
            size += len(piece)
            if size > max_bytes:
                raise _too_large(param, max_bytes)
            file.write(piece)  # into the page cache: not worth a thread
        return size, file.getvalue() if isinstance(file, BytesIO) else b""


@contextmanager
def _into(to: Path | None) -> Iterator[BinaryIO]:
    if to is None:
        yield BytesIO()
        return
    try:
        with to.open("wb") as file:
            yield file
    except BaseException:
        to.unlink(missing_ok=True)
        raise


async def _excerpt(response: httpx.Response) -> bytes:
    """The start of the body of an error, as much of it as comes within a second."""
    found = b""
    with suppress(TimeoutError, httpx.HTTPError):
        async with asyncio.timeout(1):
            async for piece in response.aiter_raw():
                found += piece[:EXCERPT_BYTES]
                if len(found) >= EXCERPT_BYTES:
                    break
    return found[:EXCERPT_BYTES]


def _too_large(param: str, max_bytes: int) -> InvalidRequest:
    return InvalidRequest(f"the URL gives more than {max_bytes} bytes", param=param)


def _why(error: httpx.HTTPError) -> str:
    """What went wrong, in words for clients."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not valid: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.TimeoutException):
        return "it did not answer in time"
    if isinstance(error, _Unresolved):
        return "its name cannot be resolved"
    if isinstance(error, httpx.ConnectError):
        return "it cannot be connected to"
    return "the connection broke, or what came was not HTTP"
