"""A load client that computes little: HTTP/1.1 by hand over asyncio streams, with the times of server-sent events."""

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_USAGE = re.compile(rb'"completion_tokens":(\d+)')


@dataclass(slots=True)
class Answer:
    """One answer as the client saw it. Times are in seconds since sending; ``gaps`` are the times between events."""

    status: int = 0
    first_s: float = 0.0
    total_s: float = 0.0
    tokens: int = 0
    gaps: list[float] = field(default_factory=list)
    complete: bool = False


async def stream(url: str, body: dict[str, object], *, every_gap: bool = True) -> Answer:
    """Post a streaming request and read its answer. Tokens are counted by ``usage``, else by events with content."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 20)
    payload = json.dumps(body).encode()
    head = (
        f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(payload)}\r\nConnection: close\r\n\r\n"
    )
    answer = Answer()
    began = time.perf_counter()
    writer.write(head.encode() + payload)
    try:
        answer.status = int((await reader.readline()).split()[1])
        await _read(reader, answer, began, every_gap)
    finally:
        writer.close()
    answer.total_s = time.perf_counter() - began
    return answer


async def _read(reader: asyncio.StreamReader, answer: Answer, began: float, every_gap: bool) -> None:
    last = began
    tail = b""
    while data := await reader.read(1 << 18):
        now = time.perf_counter()
        data = tail + data
        count = data.count(b'"content":"') - data.count(b'"content":""') + data.count(b'"text":"')
        cut = data.rfind(b"\n\n")
        tail = b""
        if cut >= 0 and cut + 2 < len(data):  # an event that comes in two pieces is counted with the second
            tail = data[cut + 2 :]
            whole = data[: cut + 2]
            count = whole.count(b'"content":"') - whole.count(b'"content":""') + whole.count(b'"text":"')
        elif cut < 0 and answer.tokens:
            tail, count = data, 0
        if count:
            if not answer.tokens:
                answer.first_s = now - began
            elif every_gap:
                answer.gaps.append(now - last)
            answer.tokens += count
            last = now
        answer.complete = answer.complete or b"[DONE]" in data
        if (usage := _USAGE.search(data)) is not None:  # more exact, as an event may have several tokens or none
            answer.tokens = int(usage[1])


def percentile(values: list[float], share: float) -> float:
    """The value that this share of the values does not exceed; 0 if there are none."""
    if not values:
        return 0.0
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
