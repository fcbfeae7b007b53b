"""Commands that Xinference's users type: ``vllm-models``, and those for which there is something else here."""

from typing import Annotated

import typer

from api.cli.models import DEFAULT_ENDPOINT, AdminKey, ApiKey, Endpoint, connect
from models.errors import UnsupportedParameter


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command(name="vllm-models")(vllm_models)
    app.command(name="stop-cluster", hidden=True)(stop_cluster)
    app.command(hidden=True)(login)


def vllm_models(endpoint: Endpoint = DEFAULT_ENDPOINT, api_key: ApiKey = "") -> None:
    """List the language models of the catalogue that vLLM runs."""
    with connect(endpoint, api_key) as client:
        for kind, names in client.vllm_models().items():
            typer.echo(f"{kind}:")
            typer.echo("\n".join(f"  {name}" for name in names), nl=bool(names))


def stop_cluster(
    check: Annotated[bool, typer.Option("--check", help="Of no effect.")] = False,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: AdminKey = "",
) -> None:
    """Say how a server is stopped: where it runs."""
    raise UnsupportedParameter("a server is stopped where it runs: Ctrl-C, or SIGTERM, ends `headrace up` and workers")


def login(
    username: Annotated[str, typer.Option("--username", help="There are no users.")] = "",
    password: Annotated[str, typer.Option("--password", help="There are no passwords.")] = "",
    endpoint: Endpoint = DEFAULT_ENDPOINT,
) -> None:
    """Say what there is in place of users: keys."""
    raise UnsupportedParameter("there are no users: give a key with each command, -ak KEY or HEADRACE_API_KEY")
