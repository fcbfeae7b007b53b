"""What ``headrace up`` runs: each process's command, the probe that shows whether it lives, its time to stop.

Python's processes run with ``-P``, so that a folder ``models`` or ``api`` in the user's current folder is never
imported instead of ours.
"""

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence

import httpx
import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError

from api.edge.exposure import local_url
from api.local.child import Probe, Spec
from api.local.embedded import Embedded
from models.launching import devices
from models.redis import presence
from models.settings import Settings

GATEWAY, WORKER, STEWARD, REDIS = range(4)
"""Phases of the stop: first the gateway, which accepts work, then those that finish it, the broker last."""

PROBE_TIMEOUT_S = 5.0


class ProcessSpecs:
    """Makes the specs of all processes of one installation. Call ``close`` when nothing is probed any more."""

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None) -> None:
        self._settings = settings
        self._env = {
            **(os.environ if environment is None else environment),
            "HEADRACE_HOME": str(settings.home),
            "HEADRACE_HOST": settings.host,
            "HEADRACE_PORT": str(settings.port),
            "HEADRACE_NODE": settings.node,
            "HEADRACE_REDIS_URL": settings.redis_url,
            "HEADRACE_DATABASE_URL": settings.database,
            "PYTHONUNBUFFERED": "1",
        }
        self._http = httpx.AsyncClient(
            base_url=local_url(settings.host, settings.port), timeout=PROBE_TIMEOUT_S, trust_env=False
        )
        self._redis = redis.Redis.from_url(
            settings.redis_url,
            socket_timeout=PROBE_TIMEOUT_S,
            socket_connect_timeout=PROBE_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
        )

    async def close(self) -> None:
        """Close the connections of the probes."""
        await self._http.aclose()
        await self._redis.aclose()

    def redis(self, embedded: Embedded) -> Spec:
        """The embedded server."""
        return Spec("redis", embedded.argv, self._env, REDIS, 10, self.redis_answers)

    def migrate(self) -> Spec:
        """The migrations, the one process that ends by itself."""
        return Spec("migrate", _python("migrations", "upgrade"), self._env, GATEWAY, grace_s=5)

    def gateway(self) -> Spec:
        """The gateway. It hangs when it has not answered for 15 s, which is three probes."""
        grace = self._settings.drain_s + 5
        return Spec("gateway", _python("api.app"), self._env, GATEWAY, grace, self._gateway_answers, patience_s=15)

    def worker(self, device: str) -> Spec:
        """The worker of one device. It hangs when it has not reported to Redis for 30 s although Redis answers.

        ``device``: as ``--device`` takes it.
        """
        name = f"worker-{device.partition('=')[0].replace(':', '')}"
        argv = _python("workers.device", "--device", device)
        grace = self._settings.drain_s + 10
        reports = self._reports(device.partition("=")[0])
        return Spec(name, argv, self._env, WORKER, grace, reports, patience_s=30, absent_code=devices.DEVICE_GONE)

    def steward(self) -> Spec:
        """The steward."""
        return Spec("steward", _python("workers.steward"), self._env, STEWARD, grace_s=10)

    async def redis_answers(self, _age_s: float = 0) -> bool | None:
        """Whether Redis answers; None while it reads its data."""
        try:
            await self._redis.ping()
        except BusyLoadingError:
            return None
        except (RedisError, OSError):
            return False
        return True

    async def forget(self, names: Sequence[str]) -> None:
        """Remove the reports of an earlier run's workers. Until they lapse, those workers would seem alive."""
        with contextlib.suppress(RedisError, OSError):
            await self._redis.delete(*(self._key(name) for name in names))

    async def serving(self) -> dict[str, bool] | None:
        """The checks of ``/readyz`` that fail; empty when requests can be served, None if it does not answer."""
        try:
            answer = await self._http.get("/readyz")
            checks = answer.json()["checks"]
        except (httpx.HTTPError, ValueError, KeyError):
            return None
        return {name: ok for name, ok in checks.items() if not ok}

    async def _gateway_answers(self, _age_s: float) -> bool | None:
        try:
            return (await self._http.get("/healthz")).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _key(self, device: str) -> str:
        return presence.device_key(f"{self._settings.node}.{device}")

    def _reports(self, device: str) -> Probe:
        key = self._key(device)

        async def reports(age_s: float) -> bool | None:
            try:
                left_ms = await self._redis.pttl(key)
            except (RedisError, OSError):
                return None
            # A key that was last renewed before this worker started was written by its predecessor.
            return left_ms > 0 and (presence.LAPSE_MS - left_ms) / 1000 <= age_s

        return reports


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-P", "-m", module, *arguments)
