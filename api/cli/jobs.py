"""The commands about jobs, and the one that prints the secret with which webhooks are signed."""

import json
from typing import Annotated

import typer

from api.cli.models import DEFAULT_ENDPOINT, ApiKey, Endpoint, connect, print_table

Id = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(jobs)
    app.command()(job)
    app.command()(cancel)
    app.command(name="webhook-secret")(webhook_secret)


def jobs(
    state: Annotated[str | None, typer.Option(help="queued, running, succeeded, failed, cancelled or expired.")] = None,
    model: Annotated[str | None, typer.Option("-u", "--model-uid", help="Jobs of this model alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, newest first.")] = 20,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: ApiKey = "",
) -> None:
    """List jobs, newest first."""
    columns = ("id", "kind", "model", "state", "progress", "attempt")
    with connect(endpoint, api_key) as client:
        print_table(columns, client.jobs(state=state, model=model, limit=limit))


def job(id: Id, endpoint: Endpoint = DEFAULT_ENDPOINT, api_key: ApiKey = "") -> None:
    """Show one job."""
    with connect(endpoint, api_key) as client:
        typer.echo(json.dumps(client.job(id), indent=2))


def cancel(id: Id, endpoint: Endpoint = DEFAULT_ENDPOINT, api_key: ApiKey = "") -> None:
    """Cancel a job."""
    with connect(endpoint, api_key) as client:
        state = client.cancel(id)["state"]
    typer.echo("cancelling" if state == "running" else state)


def webhook_secret() -> None:
    """Print the secret by which receivers verify this installation's webhooks (Standard Webhooks)."""
    from models.rows.webhooks import webhook_secret as secret
    from models.settings import Settings

    typer.echo(secret(Settings()))
