"""Models that are registered: every gateway reads them here, so each knows of all at once.

Each function takes a connection inside a transaction.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from models.errors import Conflict
from models.rows.fetching import fetch, fetch_one
from models.rows.records import RegistrationRow
from models.rows.tables import registrations


def add(
    connection: Connection, name: str, model_type: str, family: Mapping[str, Any], given: Mapping[str, Any]
) -> None:
    """Register a model. Raises Conflict where one of this name is registered, of whatever type."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {"name": name, "model_type": model_type, "family": dict(family), "given": dict(given)}
    statement = dialect.insert(registrations).values(values).on_conflict_do_nothing()
    if not connection.execute(statement).rowcount:
        raise _taken(name, get(connection, name))


def refuse_registered(connection: Connection, name: str) -> None:
    """Raise Conflict where a model is registered under this name, of whatever type."""
    if (there := get(connection, name)) is not None:
        raise _taken(name, there)


def get(connection: Connection, name: str) -> RegistrationRow | None:
    """The model that is registered under this name; None: there is none."""
    return fetch_one(connection, sa.select(registrations).where(registrations.c.name == name), RegistrationRow)


def listing(connection: Connection, model_type: str) -> list[RegistrationRow]:
    """The models of a type that are registered, by their names."""
    query = sa.select(registrations).where(registrations.c.model_type == model_type).order_by(registrations.c.name)
    return fetch(connection, query, RegistrationRow)


def names(connection: Connection, model_type: str | None = None) -> list[str]:
    """The names that are registered, of a type or of all."""
    query = sa.select(registrations.c.name)
    if model_type is not None:
        query = query.where(registrations.c.model_type == model_type)
    return list(connection.execute(query.order_by(registrations.c.name)).scalars())


def delete(connection: Connection, name: str, model_type: str) -> bool:
    """Forget a model; False: none of this name and type is registered. Its instances stay as they are."""
    which = (registrations.c.name == name) & (registrations.c.model_type == model_type)
    return bool(connection.execute(sa.delete(registrations).where(which)).rowcount)


def _taken(name: str, there: RegistrationRow | None) -> Conflict:
    kind = f" of type {there.model_type}" if there is not None else ""
    return Conflict(f"a model '{name}'{kind} is registered already: unregister it first", param="model.model_name")
