"""A steward's feeder taken step by step, and a worker that does whatever waits: what tests of batches stand on."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import sqlalchemy as sa

from models.errors import InvalidRequest
from models.launching.launch import Launch, resolve
from models.rows import batches, claims, instances, uploads
from models.rows.database import Database
from models.rows.tables import deliveries
from models.settings import Settings
from models.storage.artifacts import Store, open_store
from tests.support.servers import Valkey
from workers.steward.batch_feeder import BatchFeeder

T = TypeVar("T")
CHAT = "/v1/chat/completions"
HOOK = "https://example.org/hook"


def line(name: Any, **fields: Any) -> bytes:
    """A line of an input file."""
    body = {"model": "echo", "messages": [{"role": "user", "content": f"say {name}"}]} | fields.pop("body", {})
    return json.dumps({"custom_id": name, "method": "POST", "url": CHAT, "body": body} | fields).encode()


class Killed(BaseException):
    """Stands for a kill -9: nothing that handles errors handles it."""


class Mortal(Database):
    """A database whose user is killed at a transaction of its own: just before it, or just after its commit."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.calls = 0
        self.dies_at: float | None = None

    def call(self, function: Callable[..., T], *args: Any) -> T:
        self.calls += 1
        if self.dies_at is not None and self.calls > self.dies_at:
            raise Killed
        found = super().call(function, *args)
        if self.dies_at is not None and self.calls + 0.5 > self.dies_at:
            raise Killed
        return found


class World:
    """A steward's feeder, taken step by step, and a worker that does whatever waits."""

    def __init__(self, database: Database, store: Store, valkey: Valkey, home: Path) -> None:
        self.database = database
        self.store = store
        self.settings = Settings(home=home)
        self.client = valkey.client()
        self.batching = self.steward()

    def steward(self, database: Database | None = None) -> BatchFeeder:
        """A new one."""
        return BatchFeeder(self.settings, database or self.database, self.store, self.client)

    def launch(self, uid: str, engine: str = "echo", **fields: Any) -> None:
        """A model of this engine, that nobody serves."""
        weights = {"model_name": "echo"} if engine == "echo" else {"model_name": uid, "model_path": "/nowhere"}
        launch = Launch(model_uid=uid, model_engine=engine, **weights, **fields)
        self.database.call(instances.create, resolve(launch, None, trust_remote_code=False))

    def file(self, content: bytes, *, key: str = "me", purpose: str = "batch") -> str:
        """An uploaded file."""
        name = uploads.new_id()
        self.store.put(uploads.artifact(name), content, "application/jsonl")
        values = {"id": name, "api_key_id": key, "filename": "in.jsonl", "purpose": purpose, "bytes": len(content)}
        self.database.call(lambda c: uploads.create(c, **values))
        return name

    def batch(self, content: bytes, *, endpoint: str = CHAT, key: str = "me", webhook: str | None = HOOK) -> str:
        """A batch of this input."""
        values: dict[str, Any] = {"api_key_id": key, "endpoint": endpoint, "webhook": webhook}
        values["input_file_id"] = self.file(content)
        return str(self.database.call(lambda c: batches.create(c, **values)).id)

    def row(self, batch: str) -> Any:
        """The batch."""
        return self.database.call(batches.get, batch, None)

    def turn(self) -> bool:
        """One turn of the feeder, and all that it set going."""
        found = self.batching.turn()
        self.batching.settle()
        return found

    def work(self, most: int = 1000, uid: str = "echo") -> int:
        """Do up to so many jobs; how many. One that is to say "fail" fails."""

        def some(connection: Any) -> int:
            lease = claims.Lease("worker", "here.cpu", 60_000)
            rows = claims.claim(connection, uid, "me", most, 1 << 62, lease)
            done = [_done(row) for row in rows]
            claims.finish(connection, done)
            return len(rows)

        return self.database.call(some)

    def finish(self) -> None:
        """Go on until no batch is open."""
        for _ in range(100):
            if not self.turn():
                return
            self.work()
        raise AssertionError("a batch never ends")

    def entries(self, file: str | None) -> list[Any]:
        """The lines of an output file."""
        return [] if file is None else [json.loads(one) for one in self.store.read(uploads.artifact(file)).splitlines()]

    def outcome(self, batch: str) -> tuple[list[Any], list[Any]]:
        """The lines of both files."""
        row = self.row(batch)
        return self.entries(row.output_file_id), self.entries(row.error_file_id)

    def events(self) -> list[str]:
        """The webhooks that are to be sent."""
        with self.database.begin() as connection:
            bodies = connection.execute(sa.select(deliveries.c.body).order_by(deliveries.c.created_at)).scalars()
            return [json.loads(body)["type"] for body in bodies]

    def count(self, table: sa.Table) -> int:
        """Rows of this table."""
        with self.database.begin() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _done(row: Any) -> claims.Done:
    said = row.request["messages"][-1]["content"]
    if "fail" in said:
        return claims.Done(row.id, row.fence, error=InvalidRequest("no", param="messages"))
    usage = {"prompt_tokens": 2, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 1}}
    return claims.Done(row.id, row.fence, {"body": {"said": said, "usage": usage}, "artifacts": {}})


@pytest.fixture
def world(database: Database, valkey: Valkey, tmp_path: Path) -> Iterator[World]:
    made = World(database, open_store((tmp_path / "artifacts").as_uri()), valkey, tmp_path)
    made.launch("echo")
    yield made
    made.batching.close()
    made.client.close()
