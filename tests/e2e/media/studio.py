"""A Headrace that draws, listens and speaks, and what its tests say to it."""

import base64
import contextlib
import io
import json
import socket
import time
from pathlib import Path
from random import Random
from typing import Any

import httpx
import openai
from PIL import Image

from tests.e2e.stack import Stack
from tests.glyphs import glyphworld as world
from tests.support.servers import wait_for

KEY = "studio-key"
URL_TTL_S = 3
MODELS = ("glyphs", "whisper", "hibari")


class Studio(Stack):
    """One behind a key. Its signed URLs hold for ``URL_TTL_S``, its streams are kept alive after half a second."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            home, HEADRACE_API_KEY=KEY, HEADRACE_URL_TTL_S=str(URL_TTL_S), HEADRACE_KEEPALIVE_AFTER_S="0.5"
        )
        headers = {"Authorization": f"Bearer {KEY}"}
        self.http = httpx.Client(base_url=self.url, headers=headers, timeout=60)
        self.sdk = openai.OpenAI(base_url=f"{self.url}/v1", api_key=KEY, max_retries=0)

    def launch(self) -> None:
        """Launch the models and wait until they are ready."""
        for name in MODELS:
            self.client.launch({"model_name": name})
        self.launch_echo()
        for name in MODELS:
            self.client.wait_ready(name)

    def close(self) -> None:
        """See ``Stack``."""
        self.http.close()
        self.sdk.close()
        super().close()

    def job(self, id: str) -> dict[str, Any]:
        """A job as the API shows it."""
        found: dict[str, Any] = self.http.get(f"/v1/jobs/{id}").raise_for_status().json()
        return found

    def ended(self, id: str, timeout_s: float = 20) -> dict[str, Any]:
        """A job once it is over."""
        wait_for(lambda: self.job(id)["state"] not in ("queued", "running"), timeout_s, f"{id} is not over")
        return self.job(id)

    def running(self, kind: str) -> str:
        """The id of the newest job of this kind, once it runs."""

        def newest() -> str | None:
            found = self.http.get("/v1/jobs", params={"state": "running"}).json()["data"]
            return next((one["id"] for one in found if one["kind"] == kind), None)

        id: str = wait_for(newest, 20, f"no {kind} runs")
        return id

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric over the series that bear these labels."""
        lines = self.http.get("/metrics").text.splitlines()
        marks = [f'{key}="{value}"' for key, value in labels.items()]
        found = (line for line in lines if line.startswith((f"{name}{{", f"{name} ")))
        return sum(float(line.rpartition(" ")[2]) for line in found if all(mark in line for mark in marks))

    def stands_still(self, metric: str, **labels: str) -> None:
        """Wait until a counter of an engine does not move any more, for a second and a half."""
        seen: list[float] = []

        def still() -> bool:
            seen.append(self.metric(metric, **labels))
            return len(seen) > 15 and len(set(seen[-15:])) == 1

        wait_for(still, 15, lambda: f"{metric} goes on: {seen}")

    def open(self, path: str, body: dict[str, Any]) -> socket.socket:
        """A request that was sent, and whose answer is not read; close it to hang up."""
        content = json.dumps(body).encode()
        return self.raw(path, content, "application/json", len(content))

    def raw(self, path: str, content: bytes, media_type: str, length: int) -> socket.socket:
        """A connection on which this much of a request was sent."""
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Type: {media_type}\r\n"
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        connection.sendall(head.encode() + f"Content-Length: {length}\r\n\r\n".encode() + content)
        return connection


def hang_up(connection: socket.socket) -> float:
    """Close a connection; when."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
    return time.monotonic()


def refusal(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, code and parameter of an answer that must be an error in OpenAI's envelope."""
    error = answer.json()["error"]
    assert set(error) - {"reasons"} == {"message", "type", "param", "code"}
    assert error["message"]
    return answer.status_code, error["code"], error["param"]


def picture(subject: str = "seven", colour: str = "red", size: int = 64, form: str = "png") -> bytes:
    """A file that shows this, always the same."""
    return file_of(Image.fromarray(world.draw(subject, colour, Random(1), jitter=0, size=size)), form)


def file_of(image: Image.Image, form: str = "png") -> bytes:
    """An image as a file."""
    made = io.BytesIO()
    image.save(made, form)
    return made.getvalue()


def opened(content: bytes | str) -> Image.Image:
    """A picture from a file, or from base64."""
    return Image.open(io.BytesIO(base64.b64decode(content) if isinstance(content, str) else content)).convert("RGB")


def seen(content: bytes | str) -> str:
    """What a picture shows."""
    image = opened(content)
    return f"{world.colour_of(image)} {world.subject_of(image)}"


def data_url(content: bytes, media_type: str = "image/png") -> str:
    """The file within a URL."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode()}"
