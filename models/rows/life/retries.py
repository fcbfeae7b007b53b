"""What becomes of a replica that its worker gave up: tried again after growing pauses, and not for ever."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models import reasons
from models.errors import HeadraceError, WeightsNotHere
from models.reasons import Told, told
from models.rows.database import now_ms
from models.rows.instances import HELD, UNPLACED
from models.rows.life import events
from models.rows.life.events import EventKind
from models.rows.states import ReplicaState
from models.rows.tables import instances, replicas

LONGEST_S = 3600
"""The longest pause between two tries."""
LOG_LINES = 200
"""Lines of its runner's log that are kept with a failure."""
LOG_LINE_CHARACTERS = 2000


def pause_s(failures: int, *, interval_s: int, most: int, permanent: bool) -> int | None:
    """Seconds until the next try after so many failures in a row, the first being 1; None: there is none. Pure.

    ``permanent``: trying again is of no use. ``most``: as many tries follow the first failure.
    """
    if permanent or failures > most:
        return None
    return int(min(interval_s * 2 ** min(failures - 1, 30), max(LONGEST_S, interval_s)))


def is_permanent(error: HeadraceError, *, served: bool) -> bool:
    """Whether trying again is of no use, as the launch itself is at fault. Pure.

    ``served``: the model was ready once. Then the launch is right, and so it is where weights are not there (they were
    when it was launched): what is at fault may be mended by itself, as a mount that comes late.
    """
    return error.status < 500 and not served and not isinstance(error, WeightsNotHere)


def in_words(failures: int, most: int, pause: int | None, *, permanent: bool) -> Told:
    """What follows a failure, for people: when the next try is, or why there is none."""
    if pause is not None:
        text = f"tried again in {pause} s (try {failures} of {most})"
        return told(text, "tried_in", seconds=pause, number=failures, most=most)
    if permanent:
        text = "not tried again: mend what is at fault, then launch it anew, or start Headrace anew"
        return told(text, "not_tried")
    tries = f"after {failures} failures" if failures > 1 else "as it is not to be retried"
    text = f"given up {tries}: launch it anew, or start Headrace anew, to try again"
    return told(text, "given_up", number=failures)


def give_up(connection: Connection, replica: str, device: str, error: HeadraceError, log: Sequence[str]) -> str:
    """Record that the load of a replica has failed, with the last lines of its runner's log; what follows, in words.

    Empty where this device should not have it any more.
    """
    mine = (replicas.c.id == replica, replicas.c.device == device, replicas.c.state.in_(HELD))
    wish = (instances.c.max_retries, instances.c.retry_interval_s, instances.c.load_s)
    joined = sa.join(replicas, instances, instances.c.uid == replicas.c.uid)
    query = sa.select(replicas.c.uid, replicas.c.failures, *wish).select_from(joined).where(*mine)
    found = connection.execute(query).one_or_none()
    if found is None:
        return ""
    failures, permanent = found.failures + 1, is_permanent(error, served=found.load_s is not None)
    pause = pause_s(failures, interval_s=found.retry_interval_s, most=found.max_retries, permanent=permanent)
    values = {
        "state": ReplicaState.FAILED,
        "stage": "failed",
        "progress": 0.0,
        "error": error.to_row(),
        "reserved_bytes": None,
        "tried": None,
        "failures": failures,
        "next_try_at": None if pause is None else now_ms() + pause * 1000,
        "log": [line.rstrip()[:LOG_LINE_CHARACTERS] for line in log][-LOG_LINES:],
    }
    if not connection.execute(sa.update(replicas).where(*mine).values(**values)).rowcount:
        return ""
    follows = in_words(failures, found.max_retries, pause, permanent=permanent)
    data = {"failures": failures, "next_try_in_s": pause}
    text = reasons.joined("; ", (error.told, follows))
    events.tell(connection, found.uid, EventKind.FAILED, text, replica=replica, by=device, data=data)
    return follows


def _again(failures: int) -> Told:
    """That a replica is tried again, after so many failures."""
    if not failures:
        return told("tried again after a start, which forgets earlier failures", "tried_after_start")
    text = f"tried again after {failures} failure{'s' if failures > 1 else ''}"
    return told(text, "tried_after", number=failures)


def revive(connection: Connection) -> int:
    """Queue failed replicas for another load whose time has come; how many."""
    due = (replicas.c.state == ReplicaState.FAILED, replicas.c.next_try_at <= now_ms())
    rows = connection.execute(sa.select(replicas.c.id, replicas.c.uid, replicas.c.failures).where(*due)).all()
    revived = 0
    for row in rows:
        values = UNPLACED | {"next_try_at": None}
        if connection.execute(sa.update(replicas).where(replicas.c.id == row.id, *due).values(**values)).rowcount:
            events.tell(connection, row.uid, EventKind.RETRIED, _again(row.failures), replica=row.id, by="steward")
            revived += 1
    return revived


def forgive(connection: Connection) -> int:
    """Have all failed replicas tried again at once, as if for the first time; how many."""
    values = {"failures": 0, "next_try_at": now_ms()}
    failed = replicas.c.state == ReplicaState.FAILED
    return connection.execute(sa.update(replicas).where(failed).values(**values)).rowcount
