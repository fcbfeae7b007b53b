"""Chaos: clients that submit, cancel and try again, and somebody who kills, restarts and locks whatever there is."""

import contextlib
import json
import os
import random
import signal
import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import httpx
import psycopg

from tests.e2e.stack import Stack

SPEECH = "The water turns the wheel."
MOST_DEATHS = 4
MINUTE_S = 65
PICTURES = ("a red seven", "a blue star", "a green circle", "a yellow two")


@dataclass(frozen=True)
class Wish:
    """A job to submit under its idempotency key, and whether it is then to be cancelled."""

    key: str
    body: dict[str, Any]
    cancel: bool = False


def wishes(rng: random.Random, counts: dict[str, int], recording: str) -> list[Wish]:
    """Jobs of all kinds in random order: every tenth to be cancelled, every twentieth with a short deadline."""
    inputs: dict[str, Callable[[int], tuple[str, str, dict[str, Any]]]] = {
        "echo": lambda n: ("chat.completions", "echo", {"messages": [_user(f"job {n}")], "max_tokens": 20 + n % 60}),
        "images": lambda n: ("images.generations", "glyphs", {"prompt": PICTURES[n % 4], "seed": n, "steps": 4}),
        "speech": lambda n: ("audio.speech", "hibari", {"input": f"{SPEECH} {n}.", "voice": "default"}),
        "audio": lambda n: ("audio.transcriptions", "whisper", {"file": recording}),
    }
    found = []
    for name, count in counts.items():
        for number in range(count):
            kind, model, given = inputs[name](number)
            body: dict[str, Any] = {"kind": kind, "model": model, "input": given, "priority": rng.randint(-3, 3)}
            if number % 20 == 7:
                body["deadline"] = time.time() + rng.uniform(5, 40)
            found.append(Wish(f"{name}-{number}", body, cancel=number % 10 == 3))
    rng.shuffle(found)
    return found


def _user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


@dataclass
class Clients:
    """Submit wishes from several threads, each until it is answered; what became of them."""

    url: str
    ids: dict[str, set[str]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    retries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, todo: list[Wish], threads: int, pause_s: float) -> None:
        """Submit all; returns when the last has been accepted."""
        rest = iter(todo)
        workers = [threading.Thread(target=self._work, args=(rest, pause_s, n)) for n in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    def _work(self, rest: Any, pause_s: float, seed: int) -> None:
        rng = random.Random(seed)
        with httpx.Client(base_url=self.url, timeout=30) as http:
            while True:
                with self.lock:
                    wish = next(rest, None)
                if wish is None:
                    return
                job = self._submit(http, wish)
                if rng.random() < 0.2:  # a client that is not sure asks again
                    self._submit(http, wish)
                if job and wish.cancel:
                    self._until_answered(partial(http.post, f"/v1/jobs/{job}/cancel"))
                time.sleep(rng.uniform(0, pause_s))

    def _submit(self, http: httpx.Client, wish: Wish) -> str | None:
        headers = {"Idempotency-Key": wish.key}
        answer = self._until_answered(lambda: http.post("/v1/jobs", json=wish.body, headers=headers))
        if answer.status_code != httpx.codes.ACCEPTED:
            with self.lock:
                self.refused.append(f"{wish.key}: {answer.text}")
            return None
        job = str(answer.json()["id"])
        with self.lock:
            self.ids.setdefault(wish.key, set()).add(job)
        return job

    def _until_answered(self, ask: Callable[[], httpx.Response]) -> httpx.Response:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = ask()
                if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return answer
            with self.lock:
                self.retries += 1
            time.sleep(0.3)


class Havoc:
    """Kills at random until told to stop; ``done`` counts what it did."""

    def __init__(self, stack: Stack, database_url: str, rng: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self._stack = stack
        self._database_url = database_url
        self._rng = rng
        self._deaths: defaultdict[str, list[float]] = defaultdict(list)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when the last act is over."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        acts = [self._runner] * 6 + [self._part("worker")] * 3 + [self._part("gateway")] * 3
        acts += [self._part("steward")] * 2 + [self._redis] * 2 + [self._lock] * 2
        while not self._over.is_set():
            self._rng.shuffle(acts)
            for act in acts:
                if self._over.wait(self._rng.uniform(1.0, 3.5)):
                    return
                with contextlib.suppress(ProcessLookupError):
                    self.done[act()] += 1

    def _runner(self) -> str:
        runners = self._stack.pids()["runner"]
        if runners:
            os.kill(self._rng.choice(runners), signal.SIGKILL)
        return "runner killed" if runners else "no runner to kill"

    def _part(self, role: str) -> Callable[[], str]:
        def kill() -> str:
            if not self._may_die(role):
                return f"{role} spared"
            for pid in self._stack.pids()[role][:1]:
                os.kill(pid, signal.SIGKILL)
            return f"{role} killed"

        return kill

    def _redis(self) -> str:
        """It comes back with nothing in it."""
        if not self._may_die("redis"):
            return "redis spared"
        for pid in self._stack.pids()["redis"]:
            os.kill(pid, signal.SIGKILL)
        return "redis restarted empty"

    def _may_die(self, role: str) -> bool:
        """Four times a minute at most: whoever dies more often than that is given up by its supervisor."""
        now = time.monotonic()
        recent = [at for at in self._deaths[role] if now - at < MINUTE_S]
        self._deaths[role] = recent if len(recent) >= MOST_DEATHS else [*recent, now]
        return len(recent) < MOST_DEATHS

    def _lock(self) -> str:
        """Nobody can write for seconds."""
        seconds = self._rng.uniform(1, 3)
        if self._database_url.startswith("sqlite"):
            with contextlib.closing(sqlite3.connect(self._database_url.removeprefix("sqlite:///"), timeout=10)) as held:
                held.execute("BEGIN IMMEDIATE")
                time.sleep(seconds)
                held.rollback()
        else:
            with psycopg.connect(self._database_url.replace("+psycopg", "")) as held_pg:
                held_pg.execute("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE")
                time.sleep(seconds)
        return "database locked"


def as_text(counts: dict[str, Any]) -> str:
    """For the report."""
    return json.dumps(counts, sort_keys=True)
