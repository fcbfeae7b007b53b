"""Whether an address may be served as configured: without a key only this machine is served."""

import contextlib
import errno
import ipaddress
import socket

from api.edge.pages import pages_of
from models.errors import Conflict, InvalidRequest
from models.settings import Settings


def check_exposure(settings: Settings) -> None:
    """Refuse to serve more than this machine, or strangers' web pages, without any key. Raises InvalidRequest."""
    pages_of(settings)
    if settings.keyed or is_loopback(settings.host):
        return
    raise InvalidRequest(
        f"refusing to serve {settings.host or 'every address'} to anyone who can reach it:"
        " set HEADRACE_API_KEY or HEADRACE_ADMIN_KEY, or bind 127.0.0.1",
        param="host",
    )


def is_loopback(host: str) -> bool:
    """Whether every address that ``host`` stands for is this machine's own; an unknown name is not."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    try:
        found = socket.getaddrinfo(host or None, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]).is_loopback for entry in found)


def check_port(host: str, port: int) -> None:
    """Make sure that ``host:port`` can be bound.

    Raises Conflict if the port is taken, InvalidRequest if the address is not one of this machine.
    """
    try:
        address = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise InvalidRequest(f"{host!r} is not an address of this machine: {error}", param="host") from error
    with socket.socket(address[0], address[1]) as probe:
        # As the server does: old connections in TIME_WAIT do not make the port taken, a listener does.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address[4])
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Conflict(
                    f"port {port} on {host} is already in use: stop what listens there, or choose a --port",
                    param="port",
                ) from error
            raise InvalidRequest(f"cannot bind {host}:{port}: {error.strerror}", param="host") from error


def local_url(host: str, port: int) -> str:
    """The URL under which this machine reaches a server that is bound to ``host:port``."""
    if host in ("", "0.0.0.0"):
        host = "127.0.0.1"
    elif host == "::":
        host = "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
