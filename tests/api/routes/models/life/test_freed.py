"""What is said of the memory of a model that has ended, and when a launch is over (``api.routes.models.life``)."""

from typing import Any

import pytest

from api.routes.models.life.ending import freed
from api.routes.models.life.events import told
from api.routes.models.life.progress import is_over
from models.rows.records import EventRow


def unloaded(memory: int | None, text: str = "", *, back: bool = True) -> EventRow:
    return EventRow(1, "m", "m-0-a", "unloaded", text, "n1.cpu", {"memory_bytes": memory, "memory_is_back": back}, 5000)


def test_memory_is_free_when_all_of_it_is_back() -> None:
    assert freed([], [], 60) == {"memory_freed": True, "freed_bytes": 0, "message": None}
    assert freed([unloaded(5), unloaded(None), unloaded(7)], [], 60)["freed_bytes"] == 12
    kept = freed([unloaded(5), unloaded(7, "unloaded; it is stuck", back=False)], [], 60)
    assert kept == {"memory_freed": False, "freed_bytes": 5, "message": "unloaded; it is stuck"}
    late = freed([unloaded(5)], ["m-1-b"], 60)
    assert (late["memory_freed"], late["message"]) == (
        False,
        "m-1-b did not end within 60 s; it is still being ended",
    )


def replica(stage: str, *, hopeless: bool = False, next_try_at: float | None = None) -> dict[str, Any]:
    return {"stage": stage, "hopeless": hopeless, "next_try_at": next_try_at}


@pytest.mark.parametrize(
    ("stage", "replicas", "over"),
    [
        ("failed", [replica("ready"), replica("failed")], True),
        ("loading", [replica("ready"), replica("loading")], False),
        ("ready", [replica("ready"), replica("loading")], True),
        ("failed", [replica("failed", next_try_at=9.0)], False),
        ("waiting", [replica("waiting", hopeless=True)], True),
        ("dormant", [replica("dormant")], True),
    ],
)
def test_a_launch_is_over_when_nothing_more_is_to_come(stage: str, replicas: list[dict[str, Any]], over: bool) -> None:
    now: Any = {"stage": stage, "replicas": replicas}
    assert is_over(now) is over


def test_an_event_has_xinferences_fields_and_hides_the_key() -> None:
    row = EventRow(3, "m", None, "failed", "no memory", "ab" * 32, {}, 5999)
    said = told(row)
    assert {name: said[name] for name in ("event_type", "event_ts", "event_content", "by")} == {
        "event_type": "ERROR",
        "event_ts": 5,
        "event_content": "failed: no memory",
        "by": "key abababab",
    }
    assert told(unloaded(1))["event_type"] == "INFO"
