"""``headrace register`` and ``unregister``: models of one's own that can be launched by their names."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.models import DEFAULT_ENDPOINT, AdminKey, Endpoint, connect
from api.cli.paths import whole
from models.engines import MODEL_TYPES
from models.errors import InvalidRequest

if TYPE_CHECKING:
    from api.client import Client

_MOST_BYTES = 1 << 20
_TYPES = ", ".join(MODEL_TYPES)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(register)
    app.command()(unregister)


def register(
    file: Annotated[str, typer.Option("-f", "--file", help="A description, in JSON or YAML; - is stdin.")] = "",
    model_type: Annotated[
        str | None, typer.Option("-t", "--model-type", help=f"{_TYPES}; of a description LLM, else what its files say.")
    ] = None,
    guess_from: Annotated[
        str, typer.Option("--from", help="Guess it from weights: a path, hf:…, modelscope:… or pkg:….")
    ] = "",
    model_name: Annotated[str, typer.Option("-n", "--model-name", help="With --from, what to call it.")] = "",
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Ask nothing: register what was guessed.")] = False,
    persist: Annotated[bool, typer.Option("-p", "--persist", help="Of no effect: it is always kept.")] = False,
    worker_ip: Annotated[str | None, typer.Option("-w", "--worker-ip", help="Every machine knows it.")] = None,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: AdminKey = "",
) -> None:
    """Register a model, to be launched by its name. A description is as Xinference's, or as the catalogue's own data.

    With --from it is guessed, shown, and registered once that is confirmed.
    """
    if bool(file) == bool(guess_from):
        raise InvalidRequest("give either --file or --from", param="file")
    if worker_ip:
        raise InvalidRequest("every machine knows what is registered: leave --worker-ip out", param="worker_ip")
    with connect(endpoint, api_key) as client:
        if file:
            kind, model = _described(_text(file), model_type)
            ignored = client.register(kind, model)
            typer.echo(f"registered {model.get('model_name') or model.get('name')}, of type {kind}")
            if ignored:
                typer.echo(f"without effect here: {', '.join(ignored)}", err=True)
            return
        found = client.guess(whole(guess_from), model_type=model_type, model_name=model_name)
        kind, model = str(found["model_type"]), dict(found["model"])
        typer.echo(json.dumps(model, indent=2, ensure_ascii=False))
        if not yes and not (sys.stdin.isatty() and typer.confirm(f"Register this, of type {kind}?")):
            typer.echo("nothing was registered; --yes registers without asking", err=True)
            raise typer.Exit(1)
        client.register(kind, model)
    typer.echo(f"registered {model['model_name']}", err=True)


def unregister(
    model_name: Annotated[str, typer.Option("-n", "--model-name", help="The name that was registered.")],
    model_type: Annotated[
        str | None, typer.Option("-t", "--model-type", help=f"{_TYPES}; else the type that it has.")
    ] = None,
    endpoint: Endpoint = DEFAULT_ENDPOINT,
    api_key: AdminKey = "",
) -> None:
    """Forget a model that was registered. What was launched of it stays."""
    with connect(endpoint, api_key) as client:
        client.unregister(model_type or _type_of(client, model_name), model_name)
    typer.echo(f"unregistered {model_name}")


def _type_of(client: "Client", name: str) -> str:
    """The type of a model that is registered; of one that is not, that of language models, of which that is said."""
    for one in MODEL_TYPES:
        if any(name == each["model_name"] and not each.get("is_builtin", True) for each in client.registrations(one)):
            return one
    return MODEL_TYPES[0]


def _described(text: str, model_type: str | None) -> tuple[str, dict[str, Any]]:
    """The type of a description, and what it says. The catalogue's own form names its type. Raises InvalidRequest."""
    from models.catalogue.registering import forms

    model = forms.read(text)
    own = model.get("type") if "specs" in model else None
    return model_type or (own if isinstance(own, str) else "LLM"), model


def _text(file: str) -> str:
    """What the file holds. Raises InvalidRequest where that is no text, or too large; OSError."""
    if file == "-":
        data = sys.stdin.buffer.read(_MOST_BYTES + 1)
    else:
        with Path(file).open("rb") as opened:
            data = opened.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise InvalidRequest(f"{file} is larger than {_MOST_BYTES} bytes", param="file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{file} is no text in UTF-8", param="file") from error
