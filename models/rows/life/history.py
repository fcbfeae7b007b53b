"""How models were launched, as the events tell it: what each launch asked for, without its secrets."""

import json
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from models.rows.fetching import fetch
from models.rows.life.events import EventKind
from models.rows.records import EventRow
from models.rows.tables import events

ASKED = "launch"
"""Under this name the data of an event hold what a launch asked for. It may name paths: administrators alone see it."""
HIDDEN = "******"
MOST_ENTRY = 4000
"""Characters of a field's JSON beyond which it is not kept: a chat template may be, weights as base64 are not."""
MOST = 1000
"""Launches that are looked through, the newest."""
_SECRETS = (
    *("secret", "password", "passwd", "pwd", "api_key", "apikey", "access_key", "private_key"),
    *("credential", "authorization"),
)
"""What the name of a secret has in it; ``token`` is a word of other names as well."""
_TOKENS = ("relevant_token", "irrelevant_token")
"""Options of engines that are tokens of a vocabulary."""
_USER = re.compile(r"://[^/@\s]{1,400}@")
"""A user, and a password, in a URL."""


def kept(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What an event keeps of a launch's body: secrets are hidden, ``left_out`` names those fields and long ones."""
    if not asked:
        return {}
    fields = {name: without_secrets(value, name) for name, value in asked.items()}
    long = sorted(name for name, value in fields.items() if len(json.dumps(value, default=str)) > MOST_ENTRY)
    hidden = {name for name, value in fields.items() if value != asked[name]}
    shown = {name: value for name, value in fields.items() if name not in long}
    return {ASKED: shown, "left_out": sorted({*long, *hidden})}


def without_secrets(value: Any, name: str = "") -> Any:
    """A value of this name, in which all that looks like a secret is hidden, at any depth. Pure.

    Below a name that is one's all texts are hidden, and so are users in URLs.
    """
    return _hidden(value, _is_secret(name))


def _hidden(value: Any, secret: bool) -> Any:
    if isinstance(value, Mapping):
        return {key: _hidden(one, secret or _is_secret(str(key))) for key, one in value.items()}
    if isinstance(value, list):
        return [_hidden(one, secret) for one in value]
    if not isinstance(value, str):
        return value
    return HIDDEN if secret else _USER.sub(f"://{HIDDEN}@", value)


def listing(connection: Connection, model_name: str | None = None, by: str | None = None) -> list[EventRow]:
    """The last launch of each name and uid by each caller, the newest first. ``by``: those of one caller alone.

    Launches that the platform makes by itself, such as the demo's, asked for nothing, and are not among them.
    """
    query = sa.select(events).where(events.c.kind == EventKind.LAUNCHED.value)
    if by is not None:
        query = query.where(events.c.by == by)
    rows = fetch(connection, query.order_by(events.c.id.desc()).limit(MOST), EventRow)
    last: dict[tuple[str, str, str], EventRow] = {}
    for row in rows:
        if (asked := row.data.get(ASKED)) and model_name in (None, asked["model_name"]):
            last.setdefault((asked["model_name"], row.uid, row.by), row)
    return list(last.values())


def _is_secret(name: str) -> bool:
    words = name.lower().replace("-", "_")
    if any(word in words for word in _SECRETS):
        return True
    return words not in _TOKENS and (
        words.endswith(("token", "_key", "_pass", "passphrase")) or "token" in words.split("_")
    )
