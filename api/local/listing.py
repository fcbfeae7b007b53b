"""What ``headrace list`` and the summary of ``headrace up`` say of models and devices, in lines."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from models.engines import FACTS

GIB = 1 << 30
_WEIGHTS = re.compile(r"'(?:hf|modelscope):[^']*'")


def described(answer: Mapping[str, Any]) -> list[str]:
    """The answer of ``GET /v1/devices`` in words: each device, what works on it, and why other engines do not.

    A reason that several devices share is said once, after them.
    """
    devices: list[dict[str, Any]] = answer["data"]
    lines = [line for device in devices for line in _device(device)]
    lines += [f"{one['node']}: {one['note']}" for one in answer.get("notes", ())]
    reasons: dict[tuple[str, str], list[str]] = {}
    for device in devices:
        for name, one in device["engines"].items():
            if one["works"] is False and not device.get("fault"):
                reasons.setdefault((name, one["reason"]), []).append(device["id"])
    return lines + [f"not {name} on {', '.join(ids)}: {why}" for (name, why), ids in reasons.items()]


def _device(device: dict[str, Any]) -> Iterable[str]:
    parts = [device["label"], _memory(device)]
    parts += [f"capability {device['capability']}"] if device.get("capability") else []
    parts += [f"driver {device['driver']} (CUDA {device['cuda']})"] if device.get("driver") else []
    if device.get("fault"):
        yield f"{device['id']}: {parts[0]}, {device['fault']}"
        return
    yield f"{device['id']}: {', '.join(parts)}"
    engines: dict[str, dict[str, Any]] = device["engines"]
    there = [name for name, one in engines.items() if one["works"] and not _on_the_cpu(name, device)]
    asking = [name for name, one in engines.items() if one["works"] is None]
    yield f"  works: {', '.join(there) or 'nothing'}" + (f" (asking: {', '.join(asking)})" if asking else "")


def _on_the_cpu(engine: str, device: dict[str, Any]) -> bool:
    """Whether an engine leaves this device idle, as it computes on the CPU alone."""
    return device["kind"] != "cpu" and engine in FACTS and FACTS[engine].cpu_only


def _memory(device: dict[str, Any]) -> str:
    total = f"{device['total_bytes'] / GIB:.1f} GiB"
    free = device.get("free_bytes")
    text = total if free is None else f"{free / GIB:.1f} of {total} free"
    return f"{text}, shared with the CPU" if device.get("shares_memory") else text


def waits(devices: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a device is still asked which engines work on it."""
    return any(one["works"] is None for device in devices for one in device["engines"].values())


def of_replicas(replicas: Iterable[Mapping[str, Any]]) -> tuple[str, list[tuple[str, str]]]:
    """The devices that a model's replicas hold, without their node, and why some are not ready, and what follows."""
    held = [", ".join(_short(one) for one in row["devices"]) for row in replicas]
    reasons = dict.fromkeys(_why(row) for row in replicas if row["state"] != "ready")
    return "; ".join(filter(None, held)), [one for one in reasons if one[0]]


def lines_of(reasons: Iterable[tuple[str, str, str]]) -> list[str]:
    """Why models are not ready, in lines: uid, reason, and what follows. What several have in common is said once.

    Reasons that differ in the weights that they name are the same.
    """
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for one in reasons:
        groups.setdefault(_WEIGHTS.sub("a model's repository", one[1]), []).append(one)
    lines = []
    for common, some in groups.items():
        if len(some) == 1:
            [(uid, why, follows)] = some
            lines.append("; ".join(filter(None, (f"{uid}: {why}", follows))))
        else:
            who = dict.fromkeys(f"{uid} ({follows})" if follows else uid for uid, _, follows in some)
            lines.append(f"{', '.join(who)}: {common}")
    return lines


def _why(replica: Mapping[str, Any]) -> tuple[str, str]:
    """Why a replica is not ready, and, of one that has failed, when it is tried again."""
    why, follows = replica["error_message"] or "", ""
    if why and replica["state"] == "failed":
        at = replica.get("next_try_ts")
        follows = f"next try at {datetime.fromtimestamp(at):%H:%M:%S}" if at else "not tried again"
    return why, follows


def _short(device: str) -> str:
    """A device's name. The node's may have dots, as that of a MIG instance has: ``box.lan.cuda:0.1``."""
    for kind in (".cuda:", ".metal", ".cpu"):
        head, found, tail = device.rpartition(kind)
        if found:
            return f"{found[1:]}{tail}" if head else device
    return device
