"""The device queue: Celery's configuration, and the one call that admits a request and enqueues its message.

Gateways do not use kombu to send. ``apply_async`` from asyncio takes 5 ms to the first byte; one Lua call, which checks
the bounds and LPUSHes the same protocol-2 message, takes 2 ms. ``tests/models/redis/test_queue.py`` compares the
message with the installed kombu's. Acks are off: with them messages are lost and doubled as well, and celery 5.7.0
exits when the broker restarts. A lost message is a lost synchronous request, which its gateway notices.
"""

import base64
import time
import uuid
from dataclasses import dataclass
from typing import Any

import msgspec

INFER = "headrace.infer"
JOB = "headrace.job"
PROBE = "headrace.probe"

DOORBELL_PRIORITY = 9
"""The priority of a doorbell: a worker gets it after all requests."""

_json = msgspec.json.Encoder()
_ORIGIN = uuid.uuid4().hex
_EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}

ADMIT = """
-- KEYS: queue, mark of a replica that leaves, slot sets…
-- ARGV: message, rid, deadline in ms, rid of the request that it replaces or '', a cap for each slot set
-- Returns {0} when admitted, {-1, 0} where the replica leaves, else {index of the full set, how many it holds}.
-- A server whose memory is full refuses a script's first write, and none after it: the first must be one that adds.
redis.call('ZADD', KEYS[3], 'XX', ARGV[3], ARGV[2])
if redis.call('EXISTS', KEYS[2]) == 1 then return {-1, 0} end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 3, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[i], '-inf', now)
  local held = redis.call('ZCARD', KEYS[i])
  if redis.call('ZSCORE', KEYS[i], ARGV[4]) then held = held - 1 end
  if held >= tonumber(ARGV[i + 2]) then return {i - 2, held} end
end
for i = 3, #KEYS do
  redis.call('ZREM', KEYS[i], ARGV[4])
  redis.call('ZADD', KEYS[i], ARGV[3], ARGV[2])
  redis.call('PEXPIREAT', KEYS[i], ARGV[3], 'NX')
  redis.call('PEXPIREAT', KEYS[i], ARGV[3], 'GT')
end
redis.call('LPUSH', KEYS[1], ARGV[1])
return {0}
"""


@dataclass(frozen=True, slots=True)
class Slots:
    """A bounded set of requests: its key, and the most that it may have."""

    key: str
    cap: int


def queue_name(device: str) -> str:
    """The one queue of a device; ``device`` is ``node.name``."""
    return f"device.{device}"


def priority_list(queue: str, priority: int) -> str:
    """The list in which kombu's Redis transport keeps a queue's messages of this priority: 0, 3, 6 or 9."""
    return f"{queue}\x06\x16{priority}" if priority else queue


def replica_slots(epoch: str) -> str:
    """Key of the set of requests that one runner works on or has waiting."""
    return f"headrace:slots:replica:{epoch}"


def leaving_mark(epoch: str) -> str:
    """Key that is there while one runner is to take no more requests, as it is about to be unloaded."""
    return f"headrace:leaving:{epoch}"


def device_slots(device: str) -> str:
    """Key of the set of requests that one device works on or has waiting."""
    return f"headrace:slots:device:{device}"


def key_slots(digest: str) -> str:
    """Key of the set of requests in flight under one API key."""
    return f"headrace:slots:key:{digest}"


def deadline_ms(seconds: float) -> int:
    """The Unix time in milliseconds that is this many seconds from now."""
    return int((time.time() + seconds) * 1000)


def message(name: str, args: list[Any], *, rid: str, queue: str, priority: int = 0) -> bytes:
    """A Celery protocol-2 message as kombu's Redis transport has it in a list. Priority 0 is served first."""
    body = base64.b64encode(_json.encode([args, {}, _EMBED])).decode()
    headers: dict[str, Any] = {
        "lang": "py",
        "task": name,
        "id": rid,
        "shadow": None,
        "eta": None,
        "expires": None,
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": rid,
        "parent_id": None,
        "argsrepr": "",
        "kwargsrepr": "{}",
        "origin": _ORIGIN,
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
    }
    properties = {
        "correlation_id": rid,
        "reply_to": _ORIGIN,
        "delivery_mode": 2,
        "delivery_info": {"exchange": "", "routing_key": queue},
        "priority": priority,
        "body_encoding": "base64",
        "delivery_tag": rid,
    }
    envelope = {
        "body": body,
        "content-encoding": "utf-8",
        "content-type": "application/json",
        "headers": headers,
        "properties": properties,
    }
    return _json.encode(envelope)


def celery_config(redis_url: str, device: str) -> dict[str, Any]:
    """Celery's configuration. With it Celery has survived every restart of the broker that was tried."""
    from kombu.entity import Queue  # not at the top: the gateway does not need it

    from models.redis.broker import ASK_S, CONNECT_S, TCP

    name = queue_name(device)
    return {
        "broker_url": redis_url,
        "result_backend": None,
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        "task_serializer": "json",
        "accept_content": ["json"],
        "event_serializer": "json",
        "task_acks_late": False,
        "task_publish_retry": False,
        "task_create_missing_queues": False,
        "task_queues": [Queue(name, exchange="", routing_key=name)],  # type: ignore[no-untyped-call]
        "task_default_queue": name,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_send_task_events": False,
        "task_track_started": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_channel_error_retry": True,  # a broker that takes no writes, as its disk is full, is one that is away
        "broker_pool_limit": 10,
        "broker_pool_acquire_timeout": 5,
        "broker_transport_options": {
            "ack_emulation": False,
            "socket_timeout": ASK_S,
            "socket_connect_timeout": CONNECT_S,
            **TCP,
            "health_check_interval": 2,  # s: a BRPOP of 1 s that is unanswered after 3 is asked on a new connection
            "retry_on_timeout": False,
            "queue_order_strategy": "priority",
        },
    }
