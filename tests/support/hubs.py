"""A hub of our own, which serves some repositories as Hugging Face and as ModelScope do, with what can go wrong."""

import json
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, quote, unquote, urlsplit

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_LARGE = (".safetensors", ".gguf", ".bin")
"""Files that are kept in the store, a second host, to which the hub redirects; known by their SHA-256."""


@dataclass
class Troubles:
    """What goes wrong, by the names of repositories and files. It can be changed while the hub serves.

    ``gated``: those who may come in have one of ``tokens``. ``busy``: so many downloads are answered 429 first.
    ``cut``: after so many bytes the connection of the next download ends. ``held``: after so many bytes a download
    waits for ``go``. ``wrong``: files that arrive with another first byte than they should. ``status``: all answers.
    """

    gated: set[str] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)
    busy: int = 0
    retry_after: int = 1
    cut: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    go: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)
    wrong: set[str] = field(default_factory=set)
    status: int = 0


@dataclass(frozen=True)
class Asked:
    """One request: to the hub, or to the store."""

    method: str
    path: str
    store: bool
    begins: int
    authorization: str


class Hub(ThreadingHTTPServer):
    """As much of the two hubs as fetching and looking at a repository ask for. ``asked`` are the paths, in order.

    ``repositories`` by name, each a table of its files. Use it in a ``with``: it serves until the end.
    """

    daemon_threads = True

    def __init__(self, repositories: Mapping[str, Mapping[str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = repositories
        self.troubles = Troubles()
        self.requests: list[Asked] = []
        self.sent = 0
        """Bytes of files that were sent."""
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.store = _Store(self)
        self._serving = [threading.Thread(target=one.serve_forever, args=(0.05,)) for one in (self, self.store)]

    @property
    def asked(self) -> list[str]:
        """The paths that the hub itself was asked for, without the store's."""
        return [one.path for one in self.requests if not one.store]

    def forget(self) -> None:
        """Begin a new list of requests."""
        self.requests.clear()

    def downloads(self, name: str) -> list[int]:
        """The bytes at which downloads of a file from the store began."""
        return [one.begins for one in self.requests if one.store and one.path.endswith(f"/{name}")]

    def __enter__(self) -> Self:
        for thread in self._serving:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.troubles.go.set()
        for one in (self, self.store):
            one.shutdown()
        for thread in self._serving:
            thread.join()
        for one in (self, self.store):
            one.server_close()

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""

    def find(self, path: str) -> tuple[str, Mapping[str, bytes]] | None:
        """The repository that a path is about, and its files."""
        for name, files in self.repositories.items():
            prefixes = (f"/api/models/{name}/", f"/{name}/resolve/", f"/api/v1/models/{name}/", f"/store/{name}/")
            if path.startswith(prefixes) or path == f"/api/v1/models/{name}":
                return name, files
        return None

    def answer(self, path: str, query: dict[str, list[str]]) -> bytes | tuple[str, bytes] | None:
        """The body of the answer, or a file's name and content; None: there is nothing there."""
        found = self.find(path)
        if found is None:
            return None
        name, files = found
        if path.startswith(f"/api/models/{name}/revision/"):
            siblings = [{"rfilename": one, "size": len(data)} for one, data in files.items()]
            return _json({"id": name, "sha": _COMMIT, "siblings": siblings})
        if path.startswith(f"/api/models/{name}/tree/"):
            return _json([_leaf(one, data) for one, data in files.items()])
        if path == f"/api/v1/models/{name}/repo/files":
            listing = [
                {"Path": one, "Type": "blob", "Size": len(data), "Sha256": sha256(data).hexdigest()}
                for one, data in files.items()
            ]
            return _json({"Code": 200, "Data": {"Files": [*listing, {"Path": "folder", "Type": "tree"}]}})
        if path == f"/api/v1/models/{name}":
            return _json({"Code": 200, "Data": {"Name": name.partition("/")[2], "Path": name.partition("/")[0]}})
        one = query.get("FilePath", [""])[0] if path == f"/api/v1/models/{name}/repo" else path.split("/", 5)[-1]
        return (one, files[one]) if one in files else None


class _Store(ThreadingHTTPServer):
    """The second host: large files, for those whom the hub has sent here."""

    daemon_threads = True

    def __init__(self, hub: Hub) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.hub = hub
        self.url = f"http://localhost:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: Hub | _Store

    def do_HEAD(self) -> None:
        self._serve()

    def do_GET(self) -> None:
        self._serve()

    def log_message(self, *_: object) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        path, store = unquote(parts.path), isinstance(self.server, _Store)
        hub = self.server.hub if isinstance(self.server, _Store) else self.server
        begins = int(self._range()[0] or 0)
        token = self.headers["Authorization"] or ""
        hub.requests.append(Asked(self.command, path, store, begins, token))
        found = hub.find(path)
        if hub.troubles.status:
            after = {"Retry-After": str(hub.troubles.retry_after)} if hub.troubles.status == 429 else {}
            self._send(b'{"error": "trouble"}', hub.troubles.status, after)
        elif store:
            assert found is not None
            name = path.removeprefix(f"/store/{found[0]}/")
            self._send_file(hub, name, found[1][name], begins)
        elif found and found[0] in hub.troubles.gated and token.removeprefix("Bearer ") not in hub.troubles.tokens:
            status = 403 if token else 401
            self._send(b'{"Code": 10990101007, "Message": "gated"}', status, {"X-Error-Code": "GatedRepo"})
        else:
            self._answer(hub, path, parse_qs(parts.query), begins)

    def _range(self) -> tuple[str, str]:
        """The first and the last byte that are asked for; empty where that is not said."""
        first, _, last = (self.headers["Range"] or "").removeprefix("bytes=").partition("-")
        return first, last

    def _answer(self, hub: Hub, path: str, query: dict[str, list[str]], begins: int) -> None:
        body = hub.answer(path, query)
        if body is None:
            code = "EntryNotFound" if hub.find(path) else "RepoNotFound"
            self._send(b'{"Code": 10010205001, "Message": "not found"}', 404, {"X-Error-Code": code})
        elif isinstance(body, bytes):
            self._send(body)
        elif body[0].endswith(_LARGE):
            name, data = body
            repository = hub.find(path)
            assert repository is not None
            headers = {
                "Location": f"{hub.store.url}/store/{repository[0]}/{quote(name)}",
                "X-Linked-ETag": f'"{sha256(data).hexdigest()}"',
                "X-Linked-Size": str(len(data)),
            }
            self._send(b"", 302, headers)
        else:
            self._send_file(hub, *body, begins)

    def _send_file(self, hub: Hub, name: str, data: bytes, begins: int) -> None:
        """The rest of a file from a byte on, with what is to go wrong."""
        troubles, length = hub.troubles, len(data)
        etag = {"ETag": f'"{_git_sha(data)}"'}
        if self.command == "GET" and troubles.busy:
            troubles.busy -= 1
            self._send(b"", 429, {"Retry-After": str(troubles.retry_after)})
            return
        if begins >= length > 0:
            self._send(b"", 416, {"Content-Range": f"bytes */{length}"})
            return
        if name in troubles.wrong:
            data = bytes([data[0] ^ 1]) + data[1:]
        ranged, end = "Range" in self.headers, min(int(self._range()[1] or length) + 1, length)
        extra = {"Content-Range": f"bytes {begins}-{end - 1}/{length}"} if ranged else {}
        self._head(206 if ranged else 200, end - begins, etag | extra | {"Accept-Ranges": "bytes"})
        if self.command != "GET":
            return
        hub.sent += end - begins
        with suppress(OSError):
            stop = troubles.cut.pop(name, None) if begins == 0 else None
            if stop is not None:
                self.wfile.write(data[begins:stop])
                self.close_connection = True
                self.connection.shutdown(2)
                return
            hold = troubles.held.get(name)
            if hold is not None and begins < hold:
                self.wfile.write(data[begins:hold])
                self.wfile.flush()
                troubles.reached.set()
                troubles.go.wait()
                begins = hold
            self.wfile.write(data[begins:end])

    def _send(self, body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self._head(status, len(body), {"ETag": f'"{_git_sha(body)}"', **(headers or {})})
        if self.command == "GET":
            self.wfile.write(body)

    def _head(self, status: int, length: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        self.send_header("X-Repo-Commit", _COMMIT)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()


def _leaf(name: str, data: bytes) -> dict[str, Any]:
    """A file as Hugging Face lists it: large ones with their SHA-256, the others with git's."""
    leaf = {"type": "file", "path": name, "size": len(data), "oid": _git_sha(data)}
    if name.endswith(_LARGE):
        leaf["lfs"] = {"oid": sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return leaf


def _git_sha(data: bytes) -> str:
    return sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
