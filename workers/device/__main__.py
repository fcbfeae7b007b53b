"""The worker: ``python -m workers.device --device cpu``. A Celery worker that consumes its device's one queue."""

import argparse
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from celery import Celery, signals
from celery.app.amqp import AMQP
from kombu.connection import Connection as KombuConnection
from redis.exceptions import RedisError

from models.errors import InvalidRequest
from models.launching import devices
from models.process.descriptors import raise_limit
from models.process.garbage import freeze_gc
from models.process.logs import configure
from models.redis import broker, queue
from models.redis.presence import device_channel, device_key
from models.rows.claims import Lease
from models.rows.database import Database
from models.settings import Settings
from models.storage import scratch
from models.storage.artifacts import open_store
from workers.device.claimer import Claimer
from workers.device.heartbeat import Probe, beat
from workers.device.host import DeviceHost
from workers.device.probing import Probing
from workers.device.runner_process import RunnerProcess
from workers.protocol import Submit
from workers.wakeups import hear, in_background

log = logging.getLogger("workers.device")

SWITCH_S = 0.001
"""Longest that one thread may keep the interpreter from the one that hands a request over; Python's own is 5 ms."""

RECONNECT: dict[str, Any] = {"interval_start": 0.5, "interval_step": 0, "interval_max": 0.5}
"""How often a lost broker is looked for, in seconds; kombu's own pauses grow to 30."""

SPARE_THREADS = 8
"""Beyond the device's bound, so that probes run when it is full."""


class Connection(KombuConnection):
    """The connection on which celery consumes. It is back as soon as the broker is."""

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        """As kombu's, with ``RECONNECT``."""
        return super().ensure_connection(*args, **RECONNECT | options)  # type: ignore[no-untyped-call]


class Amqp(AMQP):  # type: ignore[misc]
    """Celery's messaging, on such connections."""

    Connection = Connection


def build(settings: Settings, host: DeviceHost, probe: Probe) -> Celery:
    """The Celery application: it executes these three names and nothing else."""
    app = Celery("headrace", amqp=Amqp)
    app.conf.update(queue.celery_config(settings.redis_url, host.id))

    @app.task(name=queue.INFER)  # type: ignore[untyped-decorator]
    def infer(epoch: str, rid: str, gateway_id: str, modality: str, deadline: int, body: Any, slots: list[str]) -> None:
        host.serve(epoch, Submit(rid, gateway_id, modality, deadline, body, slots))

    @app.task(name=queue.JOB)  # type: ignore[untyped-decorator]
    def ring() -> None:
        host.claimer.ring()

    @app.task(name=queue.PROBE)  # type: ignore[untyped-decorator]
    def heard() -> None:
        probe.heard()

    return app


def _drain_at_the_end(host: DeviceHost) -> list[threading.Thread]:
    """Have the device drained as soon as celery begins to stop; the threads that do so, once they run."""
    drains: list[threading.Thread] = []

    @signals.worker_shutting_down.connect(weak=False)  # type: ignore[untyped-decorator]
    def drain(**_: Any) -> None:
        drains.append(threading.Thread(target=host.drain, name="drain"))
        drains[-1].start()

    return drains


def main() -> None:
    """Own one device until told to stop."""
    settings = Settings()
    configure(settings.log_level)
    raise_limit()
    device = _asked_for()
    if not settings.redis_url:
        sys.exit("headrace worker: HEADRACE_REDIS_URL is not set")
    database = Database(settings.database)
    client = broker.command_client(settings.redis_url)
    store = open_store(settings.artifacts)
    telling = broker.command_client(settings.stream_redis)

    def claimer(device: str, owner: str, runners: Callable[[], Iterable[RunnerProcess]]) -> Claimer:
        lease = Lease(owner, device, int(settings.job_lease_s * 1000))
        return Claimer(lease, database, store, telling, runners, settings.response_retention_s)

    probing = Probing(settings, device)
    host = DeviceHost(settings, device, database, client, telling, claimer=claimer, probing=probing)
    probe = Probe(host, client)
    worker = build(settings, host, probe).Worker(
        hostname=f"headrace@{host.id}",
        quiet=True,
        pool="threads",
        concurrency=settings.device_concurrency + SPARE_THREADS,
        queues=[queue.queue_name(host.id)],
        loglevel=settings.log_level,
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
    )
    drains = _drain_at_the_end(host)
    probing.start()
    host.start()
    in_background(beat, host, client)
    in_background(hear, settings.redis_url, device_channel(host.id), host.wake)
    in_background(probe.run)
    in_background(host.logs.run)
    scratch.clear()  # what runners left that were killed
    freeze_gc()
    sys.setswitchinterval(SWITCH_S)
    worker.start()
    for one in drains:  # celery waits for requests alone: jobs may finish too
        one.join()
    host.close()
    with suppress(RedisError):
        client.delete(device_key(host.id))
    log.info("stopped")
    logging.shutdown()
    os._exit(worker.exitcode or 0)  # threads that wait on a lost Redis must not hold the process


def _asked_for() -> devices.Device:
    """The device that the command line names."""
    parser = argparse.ArgumentParser(prog="headrace worker")
    parser.add_argument("--device", default="cpu", help="cpu, cpu:0=4GiB, cuda:0, …")
    name = parser.parse_args().device
    try:
        return devices.parse(name)
    except InvalidRequest as error:
        print(f"headrace worker: {error.message}", file=sys.stderr)
        sys.exit(devices.DEVICE_GONE if devices.is_name(name) else 1)


if __name__ == "__main__":
    main()
