"""A hub of our own, which serves some repositories as Hugging Face and as ModelScope do."""

import json
import threading
from collections.abc import Mapping
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

_COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """As much of the two hubs as fetching and looking at a repository ask for. ``asked`` are the paths, in order.

    ``repositories`` by name, each a table of its files. Use it in a ``with``: it serves until the end.
    """

    def __init__(self, repositories: Mapping[str, Mapping[str, bytes]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repositories = repositories
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def answer(self, path: str, query: dict[str, list[str]]) -> bytes | None:
        """The body of the answer; None: there is nothing there."""
        for name, files in self.repositories.items():
            if path.startswith(f"/api/models/{name}/revision/"):
                siblings = [{"rfilename": one, "size": len(data)} for one, data in files.items()]
                return _json({"id": name, "sha": _COMMIT, "siblings": siblings})
            if path.startswith(f"/api/models/{name}/tree/"):
                return _json(
                    [
                        {"type": "file", "path": one, "size": len(data), "oid": sha1(data).hexdigest()}
                        for one, data in files.items()
                    ]
                )
            if path.startswith(f"/{name}/resolve/"):
                return files.get(path.split("/", 5)[5])
            if path == f"/api/v1/models/{name}/repo/files":
                listing = [{"Path": one, "Type": "blob"} for one in files] + [{"Path": "folder", "Type": "tree"}]
                return _json({"Code": 200, "Data": {"Files": listing}})
            if path == f"/api/v1/models/{name}/repo":
                return files.get(query["FilePath"][0])
        return None


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        self.server.asked.append(parts.path)
        body = self.server.answer(parts.path, parse_qs(parts.query))
        if body is None:
            self._send(b'{"error": "Repository not found"}', 404, "RepoNotFound")
        else:
            self._send(body)

    def _send(self, body: bytes, status: int = 200, code: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{sha1(body).hexdigest()}"')
        self.send_header("X-Repo-Commit", _COMMIT)
        if code:
            self.send_header("X-Error-Code", code)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()
