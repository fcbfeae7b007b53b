"""A Headrace behind two keys, with room for small uploads, and what tests of files and batches say to it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import openai
from openai.types import Batch

from api.client import Client
from tests.e2e.stack import Stack
from tests.support.servers import wait_for
from tests.workers.steward.test_webhook_delivery import SECRET

CHAT: Literal["/v1/chat/completions"] = "/v1/chat/completions"
MOST_BYTES = 1 << 20
OVER = ("completed", "failed", "expired", "cancelled")


class Site(Stack):
    """``one`` and ``two`` are clients under different keys. ``echo`` does 16 of its lines at once."""

    def __init__(self, home: Path) -> None:
        super().__init__(
            home,
            HEADRACE_API_KEY="one,two",
            HEADRACE_MAX_UPLOAD_BYTES=str(MOST_BYTES),
            HEADRACE_OUTBOUND_ALLOW="127.0.0.0/8",
            HEADRACE_WEBHOOK_SECRET=SECRET,
        )
        self.client.close()
        self.client = Client(self.url, "one")
        self.one, self.two = (
            openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0, timeout=30) for key in ("one", "two")
        )

    def close(self) -> None:
        """See ``Stack``."""
        self.one.close()
        self.two.close()
        super().close()

    def upload(self, *lines: bytes) -> str:
        """An input of these lines; its id."""
        return self.one.files.create(file=("in.jsonl", b"\n".join(lines)), purpose="batch").id

    def batch(self, *lines: bytes, endpoint: Any = CHAT, **extra: Any) -> Batch:
        """A batch of these lines, as it was answered."""
        return self.one.batches.create(
            input_file_id=self.upload(*lines),
            endpoint=endpoint,
            completion_window="24h",
            metadata={"whose": "mine"},
            extra_body=extra,
        )

    def reaches(self, batch: str, done: int, seconds: float = 20) -> Batch:
        """A batch, once so many of its lines have succeeded."""
        return self._until(
            batch, lambda found: found.request_counts is not None and found.request_counts.completed >= done, seconds
        )

    def ended(self, batch: str, seconds: float = 40) -> Batch:
        """A batch, once it is over."""
        return self._until(batch, lambda found: found.status in OVER, seconds)

    def _until(self, batch: str, condition: Callable[[Batch], bool], seconds: float) -> Batch:
        def look() -> Batch | None:
            seen[:] = [self.one.batches.retrieve(batch)]
            return seen[0] if condition(seen[0]) else None

        seen: list[Batch] = []
        found: Batch = wait_for(look, seconds, lambda: f"{seen}\n{self.logs()}")
        return found

    def entries(self, file: str | None) -> list[dict[str, Any]]:
        """The lines of an output or error file."""
        return [] if file is None else [json.loads(one) for one in self.one.files.content(file).text.splitlines()]


def line(name: str, *, url: str = CHAT, **body: Any) -> bytes:
    """A line that asks ``echo`` to say its own name."""
    asked = {"model": "echo", "messages": [{"role": "user", "content": name}], "max_tokens": 12} | body
    return json.dumps({"custom_id": name, "method": "POST", "url": url, "body": asked}).encode()
