"""``headrace events``, ``replicas`` and ``cancel-launch``: what happens to models, and how many copies there are."""

from datetime import datetime
from typing import Annotated, Any

import typer

from api.cli.models import DEFAULT_ENDPOINT, AdminKey, ApiKey, Endpoint, Uid, connect, print_table
from models.errors import InvalidRequest


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(events)
    app.command()(replicas)
    app.command(name="cancel-launch")(cancel_launch)


def events(
    model_uid: Annotated[str | None, typer.Option("-u", "--model-uid", help="Those of this model alone.")] = None,
    limit: Annotated[int, typer.Option("-l", "--limit", min=1, max=1000, help="How many of the last ones.")] = 50,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with those that come.")] = False,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: ApiKey = "",
) -> None:
    """Show what happened to models: launches, loads, failures with their reasons, ends."""
    with connect(endpoint, api_key) as client:
        for one in client.events(model_uid, limit, follow=follow):
            at = datetime.fromtimestamp(one["at_ms"] / 1000).strftime("%Y-%m-%d %H:%M:%S")
            by = f"  ({one['by']})" if one["by"] else ""
            typer.echo(f"{at}  {one['replica_id'] or one['model_uid']}  {one['event_content']}{by}")


def replicas(
    model_uid: Uid,
    add: Annotated[int, typer.Option("--add", min=0, max=64, help="Add so many.")] = 0,
    remove: Annotated[int, typer.Option("--remove", min=0, max=64, help="Remove so many, idle ones first.")] = 0,
    replica_id: Annotated[str | None, typer.Option("--replica-id", help="Remove this one; its number will do.")] = None,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: AdminKey = "",
) -> None:
    """Show the replicas of a model; add some, or remove some: what those do is finished first."""
    if bool(add) + bool(remove) + bool(replica_id) > 1:
        raise InvalidRequest("give one of --add, --remove and --replica-id")
    with connect(endpoint, api_key) as client:
        if add:
            client.add_replicas(model_uid, add)
            typer.echo(f"{model_uid}: {_copies(len(client.replicas(model_uid)))}")
        elif remove or replica_id:
            done = client.remove_replicas(model_uid, remove, replica_id)
            typer.echo(f"{model_uid}: {_copies(done['remaining_replicas'])} left")
            if done["leaving"]:
                typer.echo(f"still finishing requests: {', '.join(done['leaving'])}", err=True)
        else:
            rows = [_row(one) for one in client.replicas(model_uid)]
            print_table(("replica_id", "state", "device", "inflight", "memory", "why"), rows)


def cancel_launch(model_uid: Uid, endpoint: Endpoint = DEFAULT_ENDPOINT, api_key: AdminKey = "") -> None:
    """Cancel a launch; what was fetched stays, and another launch goes on there."""
    with connect(endpoint, api_key) as client:
        done = client.cancel_launch(model_uid)
    typer.echo(f"cancelled {model_uid}")
    if done["message"]:
        typer.echo(done["message"], err=True)


def _copies(count: int) -> str:
    return f"{count} replica{'' if count == 1 else 's'}"


def _row(one: dict[str, Any]) -> dict[str, Any]:
    """A replica as a row of the table."""
    from models.hubs.progress import in_words

    why = [one["error_message"]] if one["error_message"] else []
    if one["next_try_ts"]:
        why.append(f"next try at {datetime.fromtimestamp(one['next_try_ts']):%H:%M:%S}")
    memory = in_words(one["memory_bytes"]) if one["memory_bytes"] else None
    return one | {"device": ", ".join(one["devices"]) or None, "memory": memory, "why": "; ".join(why) or None}
