"""Webhooks from the row to the receiver, on both databases, with a real receiver on this machine."""

import asyncio
import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import sqlalchemy as sa
from openai import InvalidWebhookSignatureError, OpenAI
from standardwebhooks import Webhook, WebhookVerificationError

from models.rows import webhooks
from models.rows.database import Database, now_ms
from models.rows.states import DeliveryState
from models.rows.tables import deliveries
from models.rows.webhooks import DeliveryOutcome, WebhookEvent
from models.storage.outbound import Outbound, Response
from tests.support.servers import wait_for
from workers.steward.webhook_delivery import Deliverer

SECRET = "whsec_" + b64encode(b"a secret of 24 bytes ...").decode()
OLD_SECRET = "whsec_" + b64encode(b"the secret that was before").decode()
HERE = "127.0.0.0/8"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "Receiver"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.got.append((self.path, dict(self.headers.items()), body))
        status, headers = self.server.answer(self.path)
        self.send_response(status)
        for name, value in ({"content-length": "2"} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        pass


class Receiver(ThreadingHTTPServer):
    """Keeps what it is sent, and answers what ``answer`` gives for the path: status and headers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.lock = threading.Lock()
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Callable[[str], tuple[int, dict[str, str]]] = lambda _: (200, {})
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Deliverers hang up here; that is the point."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join(5)


def _soon(attempts: int) -> float | None:
    return 0.01 if attempts < 3 else None


@contextmanager
def delivering(
    database: Database, *, allow: str = HERE, secrets: tuple[str, ...] = (SECRET,), timeout_s: float = 10
) -> Iterator[None]:
    outbound = Outbound(allow)
    deliverer = Deliverer(database, outbound, secrets, pause=_soon, timeout_s=timeout_s, every_s=0.05)
    over, wake = threading.Event(), threading.Event()
    thread = threading.Thread(target=deliverer.run, args=(over, wake))
    thread.start()
    try:
        yield
    finally:
        over.set()
        wake.set()
        thread.join(20)
        outbound.close()
        assert not thread.is_alive()


def _event(url: str, subject: str = "job_1") -> WebhookEvent:
    return WebhookEvent(subject, url, "job.succeeded", {"id": subject})


def _enqueue(database: Database, *events: WebhookEvent) -> list[str]:
    return database.call(webhooks.enqueue, events)


def _rows(database: Database, subject: str = "job_1") -> list[sa.Row[Any]]:
    return database.call(lambda c: list(c.execute(sa.select(deliveries).where(deliveries.c.subject == subject))))


def _states(database: Database, subject: str = "job_1") -> list[str]:
    return [row.state for row in _rows(database, subject)]


def _until(database: Database, *states: str, subject: str = "job_1") -> list[sa.Row[Any]]:
    wait_for(lambda: _states(database, subject) == list(states), 20, f"{states} of {subject}")
    return _rows(database, subject)


# ---- what a receiver sees ----------------------------------------------------------------------------------


def test_a_webhook_is_verified_by_both_packages(database: Database, receiver: Receiver) -> None:
    [name] = _enqueue(
        database, WebhookEvent("batch_7", f"{receiver.url}/hook?a=b", "batch.completed", {"id": "batch_7"})
    )
    with delivering(database):
        _until(database, "delivered", subject="batch_7")

    [(path, headers, body)] = receiver.got
    assert path == "/hook?a=b"
    told = Webhook(SECRET).verify(body, headers)
    now = datetime.now(UTC)
    about = {"id": name.replace("msg_", "evt_"), "object": "event", "type": "batch.completed"}
    times = {"created_at": pytest.approx(now.timestamp(), abs=10), "timestamp": told["timestamp"]}
    assert told == about | times | {"data": {"id": "batch_7"}}
    assert abs(datetime.fromisoformat(told["timestamp"]) - now) < timedelta(seconds=10)

    with OpenAI(api_key="x", webhook_secret=SECRET) as client:
        event = client.webhooks.unwrap(body, headers)
        assert event.type == "batch.completed"
        assert event.data.id == "batch_7"
        with pytest.raises(InvalidWebhookSignatureError):
            client.webhooks.verify_signature(body + b" ", headers)
    sent = {key.lower(): value for key, value in headers.items()}
    assert (sent["webhook-id"], sent["content-type"]) == (name, "application/json")


def test_every_secret_signs_while_secrets_change(database: Database, receiver: Receiver) -> None:
    _enqueue(database, _event(receiver.url))
    with delivering(database, secrets=(SECRET, OLD_SECRET)):
        _until(database, "delivered")

    [(_, headers, body)] = receiver.got
    for secret in (SECRET, OLD_SECRET):
        Webhook(secret).verify(body, headers)
        with OpenAI(api_key="x", webhook_secret=secret) as client:
            client.webhooks.verify_signature(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + b64encode(bytes(24)).decode()).verify(body, headers)


def test_any_text_survives_the_way(database: Database, receiver: Receiver) -> None:
    data = {"id": "job_1", "metadata": {"name": 'é "七" \x00 \ud800 \n'}}
    _enqueue(database, WebhookEvent("job_1", receiver.url, "job.failed", data))
    with delivering(database):
        _until(database, "delivered")
    [(_, headers, body)] = receiver.got
    assert Webhook(SECRET).verify(body, headers)["data"] == data


# ---- what follows from an answer ---------------------------------------------------------------------------


def test_a_failure_is_tried_again_and_logged(database: Database, receiver: Receiver) -> None:
    answers = iter([500, 429, 200])
    receiver.answer = lambda _: (next(answers), {})
    [name] = _enqueue(database, _event(receiver.url))
    with delivering(database):
        [row] = _until(database, "delivered")

    assert (row.id, row.attempts, [entry["status"] for entry in row.log]) == (name, 3, [500, 429, 200])
    said = "it answered with status"
    assert [entry["error"] for entry in row.log] == [f"{said} 500: ok", f"{said} 429: ok", None]
    assert [entry["at"] for entry in row.log] == sorted(entry["at"] for entry in row.log)
    assert all(0 <= entry["ms"] < 60_000 for entry in row.log)
    assert {headers["webhook-id"] for _, headers, _ in receiver.got} == {name}
    assert len({body for _, _, body in receiver.got}) == 1


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (302, 3), (404, 3), (410, 1)])
def test_what_fails_is_given_up(database: Database, receiver: Receiver, status: int, attempts: int) -> None:
    receiver.answer = lambda _: (status, {"location": f"{receiver.url}/other"} if status == 302 else {})
    _enqueue(database, _event(f"{receiver.url}/first"))
    with delivering(database):
        [row] = _until(database, "failed")
    assert [entry["status"] for entry in row.log] == [status] * attempts
    assert [path for path, _, _ in receiver.got] == ["/first"] * attempts


def test_an_address_that_may_not_be_reached_is_given_up_at_once(database: Database, receiver: Receiver) -> None:
    _enqueue(database, _event(receiver.url), _event("https://169.254.169.254/"), _event("nonsense"))
    with delivering(database, allow=""):
        rows = _until(database, "failed", "failed", "failed")
    unreachable = "the URL's host does not resolve to public addresses"
    said = sorted(entry["error"] for row in rows for entry in row.log)
    assert said == ["the URL must begin with https://", unreachable, unreachable]
    assert receiver.got == []


def test_nobody_there_is_tried_again(database: Database) -> None:
    _enqueue(database, _event("http://127.0.0.1:9/"))
    with delivering(database):
        [row] = _until(database, "failed")
    assert [entry["error"] for entry in row.log] == ["it cannot be connected to"] * 3


def test_a_receiver_may_put_us_off(database: Database, receiver: Receiver) -> None:
    receiver.answer = lambda _: (503, {"retry-after": "3600"})
    [name] = _enqueue(database, _event(receiver.url))
    with delivering(database):
        wait_for(lambda: _rows(database)[0].log, 20, "an attempt")
    [told] = database.call(webhooks.log_of, "job_1")
    assert (told["id"], told["url"], told["type"], told["state"]) == (name, receiver.url, "job.succeeded", "pending")
    [attempt] = told["attempts"]
    assert attempt["status"] == 503
    assert attempt["at"] == pytest.approx(told["created_at"], abs=10)
    assert (told["next_attempt_at"] or 0) - attempt["at"] == pytest.approx(3600, abs=10)


def test_the_schedule() -> None:
    pauses = [webhooks.pause_s(attempt) for attempt in range(1, 11)]
    assert pauses[-1] is None
    for pause, least in zip(pauses, webhooks.SCHEDULE_S, strict=False):
        assert pause is not None
        assert least <= pause <= least * 1.2


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("", 0), ("7", 7), ("-7", 0), ("soon", 0), ("9" * 5000, 86400), ("²", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_how_long_we_are_put_off(header: str, seconds: float) -> None:
    assert webhooks.put_off_s(header) == seconds


def test_we_may_be_put_off_until_a_date() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert webhooks.put_off_s(date) == pytest.approx(60, abs=3)


def test_the_last_attempt_is_not_put_off() -> None:
    last = webhooks.judge(Response(429, retry_after="60"), 10)
    assert last == DeliveryOutcome(DeliveryState.FAILED, 0, 429, "it answered with status 429")


def test_what_a_receiver_says_is_made_fit_to_show() -> None:
    said = webhooks.judge(Response(500, excerpt=b"\x1b[31mno\x00\n <b>\xff" + b"y" * 2000), 1).error
    assert said is not None
    assert said.startswith("it answered with status 500: [31mno <b>�yy")
    assert len(said) < 250


# ---- who delivers ------------------------------------------------------------------------------------------


def test_a_delivery_is_one_deliverers_at_a_time(database: Database, receiver: Receiver) -> None:
    receiver.answer = lambda _: time.sleep(0.01) or (200, {})  # type: ignore[func-returns-value]
    _enqueue(database, *(_event(receiver.url) for _ in range(60)))
    with delivering(database), delivering(database), delivering(database):
        _until(database, *["delivered"] * 60)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.got}) == len(receiver.got) == 60


def test_what_a_dead_deliverer_left_is_delivered_again_under_the_same_id(
    database: Database, receiver: Receiver
) -> None:
    [name] = _enqueue(database, _event(receiver.url))
    [row] = database.call(webhooks.claim_due, 20, 300)
    headers = webhooks.headers([SECRET], row.id, row.body, row.now)
    assert asyncio.run(Outbound(HERE).post(row.url, row.body.encode(), headers)).status == 200
    # Here it dies, before it has recorded that.
    with delivering(database):
        [after] = _until(database, "delivered")
    assert (after.attempts, len(after.log)) == (2, 1)
    assert [headers["webhook-id"] for _, headers, _ in receiver.got] == [name, name]
    assert receiver.got[0][2] == receiver.got[1][2]


def test_a_record_that_comes_late_undoes_nothing(database: Database) -> None:
    [name] = _enqueue(database, _event("https://example.com/"))
    assert database.call(webhooks.claim_due, 20, 0)
    assert database.call(webhooks.claim_due, 20, 0)
    failed, delivered = (
        DeliveryOutcome(DeliveryState.FAILED, status=500),
        DeliveryOutcome(DeliveryState.DELIVERED, status=200),
    )
    database.call(webhooks.record, name, 1, failed, 5)
    assert _states(database) == ["pending"]
    database.call(webhooks.record, name, 1, delivered, 5)
    database.call(webhooks.record, name, 2, failed, 5)
    [row] = _rows(database)
    assert (row.state, [entry["status"] for entry in row.log]) == ("delivered", [500, 200, 500])
    database.call(webhooks.record, "msg_gone", 1, delivered, 5)


def test_a_receiver_that_hangs_holds_up_nobody_else(database: Database, receiver: Receiver) -> None:
    over = threading.Event()

    def answer(path: str) -> tuple[int, dict[str, str]]:
        if path == "/hangs":
            over.wait()
        return 200, {}

    receiver.answer = answer
    other = receiver.url.replace("127.0.0.1", "localhost")
    _enqueue(database, *(_event(f"{receiver.url}/hangs", "job_hangs") for _ in range(150)))
    _enqueue(database, *(_event(f"{other}/fine", "job_fine") for _ in range(10)))
    with delivering(database, allow="127.0.0.0/8,::1/128", timeout_s=3600):
        _until(database, *["delivered"] * 10, subject="job_fine")
        assert sum(path == "/hangs" for path, _, _ in receiver.got) == webhooks.PER_HOST
        over.set()


def test_a_receiver_that_hangs_is_given_up(database: Database, receiver: Receiver) -> None:
    over = threading.Event()
    receiver.answer = lambda _: (200 if over.wait() else 500, {})
    _enqueue(database, _event(receiver.url))
    with delivering(database, timeout_s=0.1):
        [row] = _until(database, "failed")
    over.set()
    assert [entry["error"] for entry in row.log] == ["no answer within 0.1 s"] * 3


def test_due_takes_turns_between_hosts(database: Database) -> None:
    _enqueue(database, *(_event("https://a.test/x") for _ in range(9)), *(_event("https://b.test") for _ in range(9)))
    full = {"https://a.test": webhooks.PER_HOST, "https://b.test": 1}
    urls = [row.url for row in database.call(webhooks.claim_due, 20, 1000, full)]
    assert urls == ["https://b.test"] * (webhooks.PER_HOST - 1)
    assert len(database.call(webhooks.claim_due, 5, 1000)) == 5


# ---- rows --------------------------------------------------------------------------------------------------


def test_what_is_rolled_back_is_not_told(database: Database) -> None:
    def change(connection: sa.Connection) -> None:
        webhooks.enqueue(connection, [_event("https://example.com/")])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.call(change)
    assert _states(database) == []
    assert _enqueue(database) == []


def test_purging_leaves_what_is_not_over(database: Database) -> None:
    first, second, _ = _enqueue(database, *(_event("https://example.com/") for _ in range(3)))
    assert len(database.call(webhooks.claim_due, 20, 1000)) == 3
    database.call(webhooks.record, first, 1, DeliveryOutcome(DeliveryState.DELIVERED, status=200), 5)
    database.call(webhooks.record, second, 1, DeliveryOutcome(DeliveryState.FAILED, status=410), 5)
    assert database.call(webhooks.purge, 60_000) == 0
    database.call(lambda c: c.execute(sa.update(deliveries).values(next_at=now_ms() - 61_000)))
    assert database.call(webhooks.purge, 60_000, 1) == 1
    assert database.call(webhooks.purge, 60_000) == 1
    assert _states(database) == ["pending"]


# ---- logs --------------------------------------------------------------------------------------------------


def test_logs_hold_neither_secrets_nor_bodies_nor_urls(
    database: Database, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answer = lambda _: (500, {})
    _enqueue(database, WebhookEvent("job_1", f"{receiver.url}/token", "job.failed", {"id": "job_1", "word": "private"}))
    with caplog.at_level("INFO", "workers"), delivering(database):
        [row] = _until(database, "failed")
    assert row.id in caplog.text
    ours = "".join(record.getMessage() for record in caplog.records if record.name.startswith("workers"))
    for hidden in (SECRET, json.dumps("private"), "/token", "v1,"):
        assert hidden not in ours
