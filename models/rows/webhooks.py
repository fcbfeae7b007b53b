"""Webhooks: every statement on ``deliveries``, the payload of a delivery, and its signature.

A delivery is written in the transaction that makes its event happen. So no event is sent that did not happen, and none
that happened is left out. Delivery is at least once: if a steward dies between the receiver's answer and the record of
it, another one delivers again, under the same ``webhook-id``, by which receivers recognise that they had it before.

Signatures, headers and the schedule follow https://github.com/standard-webhooks/standard-webhooks (version 1.0.0). The
payload is at once what OpenAI's clients unwrap: https://platform.openai.com/docs/api-reference/webhook-events.
"""

import base64
import json
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from standardwebhooks import Webhook

from models.rows.database import now_ms
from models.rows.fetching import columns, fetch
from models.rows.records import DeliveryRow, DueDelivery
from models.rows.states import DeliveryState
from models.rows.tables import deliveries
from models.settings import Settings
from models.shapes import Delivery, DeliveryAttempt
from models.storage.outbound import Response
from models.storage.secrets import derived

SCHEDULE_S = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
"""Pauses between attempts; about three days in all."""
JITTER = 0.2
RETRY_AFTER_S = 86400.0
"""The longest pause that a receiver may ask for."""
PER_HOST = 4
GONE = 410
EXCERPT_CHARACTERS = 200

Pause = Callable[[int], float | None]
"""From the number of attempts made to the seconds until the next; None: there is no further one."""


class WebhookEvent(msgspec.Struct, frozen=True):
    """An event to send.

    ``subject`` is the id of the job or batch, ``type`` such as ``job.succeeded``, ``data`` small JSON with an ``id``.
    """

    subject: str
    url: str
    type: str
    data: dict[str, Any]


class DeliveryOutcome(msgspec.Struct, frozen=True):
    """The outcome of an attempt: the new state, and the seconds until the next attempt, if there is one."""

    state: DeliveryState
    wait_s: float = 0.0
    status: int | None = None
    error: str | None = None


# ---- secrets and signatures --------------------------------------------------------------------------------


def webhook_secret(settings: Settings) -> str:
    """The secret with which receivers verify webhooks. Raises ValueError if the one that is set is not valid."""
    return webhook_secrets(settings)[0]


def webhook_secrets(settings: Settings) -> list[str]:
    """All secrets with which webhooks are signed, the newest first. Raises ValueError, whose message shows none."""
    given = settings.webhook_secret.get_secret_value()
    keys = [_key(part.strip()) for part in given.split(",") if part.strip()] or [derived(settings, "webhooks")]
    return ["whsec_" + base64.b64encode(key).decode() for key in keys]


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        key = b""
    if encoded == secret or not 24 <= len(key) <= 64:
        raise ValueError("HEADRACE_WEBHOOK_SECRET must be 'whsec_' and 24 to 64 bytes in base64")
    return key


def headers(secrets: Sequence[str], delivery: str, body: str, at_ms: int) -> dict[str, str]:
    """The headers of an attempt made at this time (Unix milliseconds), signed with every secret."""
    at = datetime.fromtimestamp(at_ms // 1000, UTC)
    return {
        "content-type": "application/json",
        "webhook-id": delivery,
        "webhook-timestamp": str(at_ms // 1000),
        "webhook-signature": " ".join(Webhook(secret).sign(delivery, at, body) for secret in secrets),
    }


def payload(event: WebhookEvent, name: str, at_ms: int) -> str:
    """The body for this event, under the id ``evt_…``, with the time at which it happened (Unix milliseconds)."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    body = {
        "id": f"evt_{name}",
        "object": "event",
        "type": event.type,
        "created_at": at_ms // 1000,
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "data": event.data,
    }
    return json.dumps(body, separators=(",", ":"))


# ---- decisions ---------------------------------------------------------------------------------------------


def pause_s(attempts: int) -> float | None:
    """The pause of the schedule in seconds, up to a fifth longer, so that deliveries which failed together spread out.

    None after the last attempt.
    """
    if attempts > len(SCHEDULE_S):
        return None
    return SCHEDULE_S[attempts - 1] * (1 + JITTER * random.random())  # noqa: S311


def judge(response: Response, attempts: int, pause: Pause = pause_s) -> DeliveryOutcome:
    """The outcome of an attempt that got this response. ``attempts``: its number, from 1."""
    status = response.status or None
    if status is not None and 200 <= status < 300:
        return DeliveryOutcome(DeliveryState.DELIVERED, status=status)
    error = response.error or _described(response)
    wait = pause(attempts)
    if wait is None or response.refused or status == GONE:
        return DeliveryOutcome(DeliveryState.FAILED, status=status, error=error)
    return DeliveryOutcome(DeliveryState.PENDING, max(wait, put_off_s(response.retry_after)), status, error)


def put_off_s(retry_after: str) -> float:
    """The seconds that a ``Retry-After`` asks for (RFC 9110, 10.2.3), from 0 to a day; 0 if it is not valid."""
    if retry_after.isdecimal():
        return float(min(int(retry_after[:10]), RETRY_AFTER_S))
    try:
        seconds = parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), RETRY_AFTER_S)


def _described(response: Response) -> str:
    text = response.excerpt.decode("utf-8", "replace")[:EXCERPT_CHARACTERS]
    shown = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return f"it answered with status {response.status}" + (f": {shown}" if shown else "")


def origin(url: str) -> str:
    """Scheme, host and port of a URL. Attempts at the same time are counted for each of these."""
    return "/".join(url.split("/", 3)[:3])


# ---- rows --------------------------------------------------------------------------------------------------


def enqueue(connection: Connection, events: Iterable[WebhookEvent]) -> list[str]:
    """Store events for delivery, in the transaction that makes them happen; returns the ids of the deliveries."""
    events = list(events)
    if not events:
        return []
    now = connection.execute(sa.select(now_ms())).scalar_one()
    rows: list[dict[str, Any]] = []
    for event in events:
        name = uuid.uuid4().hex
        body = payload(event, name, now)
        about = {"id": f"msg_{name}", "subject": event.subject, "url": event.url, "body": body}
        rows.append(about | {"next_at": now, "created_at": now, "log": []})
    connection.execute(sa.insert(deliveries), rows)
    return [row["id"] for row in rows]


def claim_due(
    connection: Connection, limit: int, hold_ms: int, busy: Mapping[str, int] | None = None
) -> list[DueDelivery]:
    """Claim deliveries whose time has come, and begin an attempt on each.

    The outcome must be recorded within ``hold_ms``; after that they are due again. ``busy`` counts the attempts that
    are going on, by origin. An origin gets ``PER_HOST`` attempts at most, and one that has so many does not keep others
    from being claimed.
    """
    running = Counter(busy or {})
    waiting = (deliveries.c.state == DeliveryState.PENDING, deliveries.c.next_at <= now_ms())
    full = [one for one, count in running.items() if count >= PER_HOST]
    query = sa.select(deliveries.c.id, deliveries.c.url).where(
        *waiting, *(sa.not_(deliveries.c.url.startswith(one + "/", autoescape=True)) for one in full)
    )
    page = query.order_by(deliveries.c.next_at).limit(5 * limit).with_for_update(skip_locked=True)
    chosen: list[str] = []
    for row in connection.execute(page):
        if len(chosen) < limit and running[origin(row.url)] < PER_HOST:
            running[origin(row.url)] += 1
            chosen.append(row.id)
    if not chosen:
        return []
    claim = sa.update(deliveries).where(deliveries.c.id.in_(chosen), *waiting)
    claimed = claim.values(next_at=now_ms() + hold_ms, attempts=deliveries.c.attempts + 1)
    return fetch(connection, claimed.returning(*columns(DueDelivery), now_ms().label("now")), DueDelivery)


def record(connection: Connection, delivery: str, attempt: int, outcome: DeliveryOutcome, took_ms: int) -> None:
    """Record an attempt and its outcome. If another attempt was begun meanwhile, only a success changes the state."""
    mine = deliveries.c.id == delivery
    query = sa.select(deliveries.c.log, deliveries.c.state, deliveries.c.attempts, now_ms().label("now"))
    row = connection.execute(query.where(mine).with_for_update()).one_or_none()
    if row is None:
        return
    entry = {"at": row.now - took_ms, "status": outcome.status, "error": outcome.error, "ms": took_ms}
    values: dict[str, Any] = {"log": [*row.log, entry]}
    current = row.state == DeliveryState.PENDING and row.attempts == attempt
    if current or outcome.state == DeliveryState.DELIVERED:
        values |= {"state": outcome.state, "next_at": row.now + int(outcome.wait_s * 1000)}
    connection.execute(sa.update(deliveries).where(mine).values(**values))


def log_of(connection: Connection, subject: str) -> list[Delivery]:
    """The deliveries about this job or batch, oldest first, as clients see them. Times are Unix seconds."""
    query = sa.select(deliveries).where(deliveries.c.subject == subject)
    rows = fetch(connection, query.order_by(deliveries.c.created_at, deliveries.c.id), DeliveryRow)
    return [_public(row) for row in rows]


def _public(row: DeliveryRow) -> Delivery:
    return {
        "id": row.id,
        "object": "webhook.delivery",
        "url": row.url,
        "type": json.loads(row.body)["type"],
        "state": row.state,
        "created_at": row.created_at // 1000,
        "next_attempt_at": row.next_at / 1000 if row.state == DeliveryState.PENDING else None,
        "attempts": [_attempt(entry) for entry in row.log],
    }


def _attempt(entry: dict[str, Any]) -> DeliveryAttempt:
    return {"at": entry["at"] / 1000, "status": entry["status"], "error": entry["error"], "ms": entry["ms"]}


def purge(connection: Connection, age_ms: int, limit: int = 1000) -> int:
    """Delete deliveries that were over this long ago, at most ``limit``; returns how many."""
    over = (deliveries.c.state != DeliveryState.PENDING, deliveries.c.next_at < now_ms() - age_ms)
    some = sa.select(deliveries.c.id).where(*over).limit(limit)
    return connection.execute(sa.delete(deliveries).where(deliveries.c.id.in_(some))).rowcount
