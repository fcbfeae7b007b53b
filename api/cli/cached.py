"""``headrace cached`` and ``remove-cache``: what was fetched from hubs, and its removal, with Xinference's options."""

import sys
from typing import Annotated, Any

import typer

from api.cli.models import DEFAULT_ENDPOINT, AdminKey, Endpoint, connect, print_table

Name = Annotated[str, typer.Option("-n", "--model-name", "--model_name", help="That of this name alone.")]
Version = Annotated[
    str, typer.Option("--model-version", "--model_version", help="hf:org/name, modelscope:org/name or org/name.")
]
WorkerIp = Annotated[str | None, typer.Option("--worker-ip", help="Of no effect but to name this machine.")]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(cached)
    app.command(name="remove-cache")(remove_cache)


def cached(
    model_name: Name = "", worker_ip: WorkerIp = None, endpoint: Endpoint = DEFAULT_ENDPOINT, api_key: AdminKey = ""
) -> None:
    """List what was fetched from hubs, with its size."""
    from models.hubs.progress import in_words

    with connect(endpoint, api_key) as client:
        found = client.cached(model_name, worker_ip)
    for one in found:
        one["size"] = in_words(int(one["size_bytes"]))
        one["state"] = ("whole" if one["whole"] else "cut off") + (", shared" if one["shared"] else "")
    if not found:
        typer.echo("nothing was fetched from hubs yet" if not model_name else f"nothing was fetched for '{model_name}'")
        return
    print_table(("model_version", "size", "files", "state", "path"), found, ("name", "size", "files", "state", "path"))


def remove_cache(
    model_version: Version,
    check: Annotated[bool, typer.Option("--check", "-y", help="Ask nothing: remove it.")] = False,
    worker_ip: WorkerIp = None,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: AdminKey = "",
) -> None:
    """Delete what was fetched of a repository, from other programs' cache of Hugging Face, too."""
    from models.hubs.progress import in_words

    with connect(endpoint, api_key) as client:
        paths = client.cached_files(model_version, worker_ip)
        if not check:
            typer.echo("\n".join(paths))
            if not sys.stdin.isatty() or not typer.confirm(f"Remove these {len(paths)} files?"):
                typer.echo("nothing was removed; --check removes without asking", err=True)
                raise typer.Exit(1)
        done: dict[str, Any] = client.remove_cached(model_version, worker_ip)
    typer.echo(f"removed {model_version}, {in_words(int(done['freed_bytes']))}")
