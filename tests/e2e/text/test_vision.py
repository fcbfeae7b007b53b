"""Pictures in messages, through the whole of a Headrace: OpenAI's own client, a small model that sees what is there."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from PIL import Image

from tests.e2e.stack import Stack
from tests.glyphs import glyphworld as world
from tests.support.pictures import bomb, data_url, saved
from tests.support.servers import wait_for
from tests.support.web import Server, self_signed, serving

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

MODEL = "glyphs-vision"


class Gallery(Stack):
    """A stack with a model that sees, a web server over TLS whose certificate it trusts, and OpenAI's client."""

    def __init__(self, folder: Path, web: Server, certificate: Path) -> None:
        super().__init__(folder / "home", HEADRACE_OUTBOUND_ALLOW="127.0.0.1/32", SSL_CERT_FILE=str(certificate))
        self.web = web
        self.https = f"https://localhost:{web.port}"
        self.sdk = openai.OpenAI(base_url=f"{self.url}/v1", api_key="none", max_retries=0, timeout=90)

    def close(self) -> None:
        """See ``Stack``."""
        self.sdk.close()
        super().close()

    def ask(self, *urls: str, question: str = "What is in the image?", **fields: Any) -> str:
        """What the model says to these pictures."""
        answer = self.sdk.chat.completions.create(
            model=MODEL, messages=messages(*urls, question=question), temperature=0, **fields
        )
        return answer.choices[0].message.content or ""

    def refused(self, *urls: str) -> tuple[int, str, str]:
        """Status, code and parameter of the refusal."""
        with pytest.raises(openai.APIStatusError) as caught:
            self.sdk.chat.completions.create(model=MODEL, messages=messages(*urls))
        return caught.value.status_code, str(caught.value.code), str(caught.value.param)


def messages(*urls: str, question: str = "What is in the image?") -> Any:
    parts = [{"type": "image_url", "image_url": {"url": url}} for url in urls]
    return [{"role": "user", "content": [*parts, {"type": "text", "text": question}]}]


def drawn(subject: str, colour: str, size: int = 64) -> bytes:
    picture = Image.fromarray(world.draw(subject, colour, Random(6), jitter=0))
    return saved("png", picture.resize((size, size), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    folder = tmp_path_factory.mktemp("gallery")
    certificate, both = self_signed(folder, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    web = Server()
    web.socket = context.wrap_socket(web.socket, server_side=True)
    with serving(web):
        made = Gallery(folder, web, certificate)
        try:
            made.start()
            made.client.launch({"model_name": MODEL})
            made.client.wait_ready(MODEL)
            yield made
        finally:
            made.close()


def test_a_data_url_is_seen(gallery: Gallery) -> None:
    assert gallery.ask(data_url(drawn("seven", "red"))) == "A red seven."


def test_an_https_url_is_fetched_and_seen(gallery: Gallery) -> None:
    star = drawn("star", "blue", 300)
    gallery.web.routes["/star.png"] = lambda handler: handler.answer(star, content_type="image/png")
    assert gallery.ask(f"{gallery.https}/star.png?size=large") == "A blue star."
    assert gallery.web.seen[-1] == ("/star.png?size=large", f"localhost:{gallery.web.port}")


def test_a_stream_says_the_same_and_counts_the_pictures_tokens(gallery: Gallery) -> None:
    asked = {"model": MODEL, "messages": messages(data_url(drawn("ring", "green"))), "temperature": 0}
    chunks = list(gallery.sdk.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "A green ring."
    assert sum(1 for chunk in chunks if chunk.choices) > 3
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.prompt_tokens == 31


def test_many_at_once_each_see_their_own(gallery: Gallery) -> None:
    wanted = [(subject, colour) for subject in ("one", "eight", "star", "cross") for colour in ("red", "blue", "cyan")]
    with ThreadPoolExecutor(12) as threads:
        said = list(threads.map(lambda pair: gallery.ask(data_url(drawn(*pair))), wanted))
    assert said == [f"A {colour} {subject}." for subject, colour in wanted]


def test_a_picture_of_ten_mebibytes_arrives(gallery: Gallery) -> None:
    glyph = Image.fromarray(world.draw("square", "yellow", Random(1), jitter=0)).resize((1900, 1900))
    noise = np.random.default_rng(1).integers(0, 8, (1900, 1900, 3), np.uint8)
    picture = saved("png", Image.fromarray(np.asarray(glyph) // 2 * 2 | noise & 7), compress_level=0)
    assert 10 << 20 < len(picture) < 13 << 20
    url = data_url(picture)
    assert "yellow square" in gallery.ask(url)
    assert url[5000:5100] not in gallery.logs()


def test_a_broker_that_is_full_refuses_and_the_next_is_served(gallery: Gallery) -> None:
    url = data_url(drawn("one", "red") + bytes(9 << 20))
    with gallery.redis() as broker:
        most = broker.config_get("maxmemory")["maxmemory"]
        broker.config_set("maxmemory", 1 << 20)  # less than it holds
        try:
            answer = httpx.post(
                f"{gallery.url}/v1/chat/completions", json={"model": MODEL, "messages": messages(url)}, timeout=30
            )
        finally:
            broker.config_set("maxmemory", most)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "broker_unavailable")
    assert answer.headers["retry-after"]
    assert gallery.ask(data_url(drawn("one", "red"))) == "A red one."


def test_a_body_beyond_the_limit_is_refused(gallery: Gallery) -> None:
    assert gallery.refused(data_url(bytes(13 << 20)))[:2] == (413, "body_too_large")


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "http://93.184.216.34/a.png",
        "https://10.0.0.1/a.png",
        "https://[::1]/a.png",
        "data:image/png;base64,!",
        data_url(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        data_url(bomb(50_000, 50_000)),
    ],
    ids=lambda url: url[:30],
)
def test_what_is_no_picture_is_the_clients_fault(gallery: Gallery, url: str) -> None:
    good = data_url(drawn("one", "red"))
    assert gallery.refused(good, url) == (400, "invalid_value", "messages[0].content[1].image_url")


def test_a_model_that_hears_nothing_says_so(gallery: Gallery) -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
    asked: Any = [{"role": "user", "content": [sound]}]
    with pytest.raises(openai.BadRequestError) as caught:
        gallery.sdk.chat.completions.create(model=MODEL, messages=asked)
    assert (caught.value.code, caught.value.param) == ("unsupported_parameter", "messages[0].content[0].input_audio")


def test_a_client_that_hangs_up_while_its_picture_is_fetched_frees_its_place(gallery: Gallery) -> None:
    released = threading.Event()
    gallery.web.routes["/slow"] = lambda _: released.wait(20)
    with pytest.raises(openai.APITimeoutError):
        gallery.ask(f"{gallery.https}/slow", timeout=1)

    def idle() -> bool:
        [replica] = gallery.client.replicas(MODEL)
        return bool(replica["inflight"] == 0)

    wait_for(idle, 12, "it is still in flight")
    released.set()


def test_a_job_sees(gallery: Gallery) -> None:
    gallery.web.routes["/ring.png"] = lambda handler: handler.answer(drawn("ring", "cyan"), content_type="image/png")
    body = {"messages": messages(f"{gallery.https}/ring.png"), "temperature": 0}
    job = _job(gallery, body)
    assert _ended(gallery, job)["state"] == "succeeded"
    result = httpx.get(f"{gallery.url}/v1/jobs/{job}/result").json()
    assert result["choices"][0]["message"]["content"] == "A cyan ring."

    job = _job(gallery, {"messages": messages("https://10.0.0.1/")})
    ended = _ended(gallery, job)
    assert (ended["state"], ended["error"]["code"]) == ("failed", "invalid_value")


def test_a_job_that_is_cancelled_while_its_picture_is_fetched_ends_at_once(gallery: Gallery) -> None:
    released = threading.Event()
    seen = len(gallery.web.seen)
    gallery.web.routes["/stuck"] = lambda _: released.wait(20)
    job = _job(gallery, {"messages": messages(f"{gallery.https}/stuck")})
    wait_for(lambda: len(gallery.web.seen) > seen, 10)
    began = time.monotonic()
    httpx.post(f"{gallery.url}/v1/jobs/{job}/cancel").raise_for_status()
    assert _ended(gallery, job)["state"] == "cancelled"
    assert time.monotonic() - began < 5
    released.set()


def test_lines_of_a_batch_see(gallery: Gallery) -> None:
    wanted = {"a": ("four", "orange"), "b": ("triangle", "purple")}
    lines = [
        {
            "custom_id": name,
            "method": "POST",
            "url": "/v1/chat/completions",
            "body": {"model": MODEL, "messages": messages(data_url(drawn(*pair))), "temperature": 0},
        }
        for name, pair in wanted.items()
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    file = gallery.sdk.files.create(file=("in.jsonl", content), purpose="batch")
    batch = gallery.sdk.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
    wait_for(lambda: gallery.sdk.batches.retrieve(batch.id).status == "completed", 40, gallery.logs)
    output = gallery.sdk.batches.retrieve(batch.id).output_file_id or ""
    said = {
        one["custom_id"]: one["response"]["body"]["choices"][0]["message"]["content"]
        for one in map(json.loads, gallery.sdk.files.content(output).text.splitlines())
    }
    assert said == {"a": "An orange four.", "b": "A purple triangle."}


def _job(gallery: Gallery, body: dict[str, Any]) -> str:
    asked = {"kind": "chat.completions", "model": MODEL, "input": body}
    return str(httpx.post(f"{gallery.url}/v1/jobs", json=asked).raise_for_status().json()["id"])


def _ended(gallery: Gallery, job: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = httpx.get(f"{gallery.url}/v1/jobs/{job}").raise_for_status().json()
        return found if found["state"] not in ("queued", "running") else None

    found: dict[str, Any] = wait_for(look, 20, gallery.logs)
    return found
