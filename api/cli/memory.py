"""The command that estimates what a model needs, on this machine alone: no server is asked."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.models import Format, Quantization, Size, Text, engine_options
from models.engines import FACTS, MODEL_TYPES
from models.errors import InvalidRequest, ModelNotFound

if TYPE_CHECKING:
    from models.catalogue.entries import Family
    from models.launching.launch import Launch
    from models.ledger.need import Need, Target

_WITHIN_S = 10.0
"""How long hubs are asked, in all."""


def add_to(app: typer.Typer) -> None:
    """Register the command."""
    settings = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(name="cal-model-mem", context_settings=settings)(cal_model_mem)


def cal_model_mem(
    context: typer.Context,
    model_name: Annotated[Text, typer.Option("-n", "--model-name", help="Name in the catalogue.")] = None,
    size: Size = None,
    model_format: Format = None,
    quantization: Quantization = None,
    context_length: Annotated[
        int | None, typer.Option("-c", "--context-length", min=64, help="Tokens of a request.")
    ] = None,
    model_path: Annotated[
        Text, typer.Option("-mp", "--model-path", help="Weights: a path, hf:…, modelscope:… or pkg:….")
    ] = None,
    model_engine: Annotated[Text, typer.Option("-en", "--model-engine", help=", ".join(FACTS))] = None,
    model_type: Annotated[Text, typer.Option("-t", "--model-type", help=", ".join(MODEL_TYPES))] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or metal; auto: a GPU of this machine.")] = "auto",
) -> None:
    """Estimate the memory that a model needs, from the headers of its files: of a hub, some kilobytes are read.

    Any further --key value is an option of its engine, as at a launch.
    """
    if model_name is None and model_path is None:
        raise InvalidRequest("give --model-name or --model-path", param="model_name")
    launch = _launch(
        {
            "model_name": model_name or "model",
            "model_size_in_billions": size,
            "model_format": model_format,
            "quantization": quantization,
            "model_path": model_path,
            "model_engine": model_engine,
            "model_type": model_type,
        }
        | engine_options(context.args)
    )
    engine, need, download = _estimated(launch, context_length, _target(device))
    typer.echo("\n".join(_lines(model_name or str(model_path), engine, need, download)))


def _launch(body: dict[str, Any]) -> "Launch":
    """The launch of these fields. Raises InvalidRequest."""
    from pydantic import ValidationError

    from models.launching.launch import Launch

    try:
        return Launch.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise InvalidRequest(f"{name}: {first['msg']}", param=name) from error


def _estimated(launch: "Launch", context_length: int | None, target: "Target") -> tuple[str, "Need", int | None]:
    """The engine, what the model needs on it, and how much is to be downloaded. Raises InvalidRequest, Unavailable."""
    from models.launching import hub
    from models.launching.launch import resolve, source_of
    from models.launching.peek_source import peek_or_why
    from models.ledger.estimate import estimate
    from models.ledger.look import headers_of
    from models.ledger.need import Target

    over = time.monotonic() + _WITHIN_S

    def left() -> float:
        return max(over - time.monotonic(), 0.1)

    launch = _named(launch, left())
    text = source_of(launch)
    seen = peek_or_why(hub.parse(text), left()) if text else None
    if text and seen is None:
        raise ModelNotFound(f"the weights of {text} cannot be read by this account", param="model_path")
    new = resolve(launch, seen, trust_remote_code=launch.trust_remote_code)
    facts = FACTS[new.engine]
    if context_length is not None and facts.context is not None:
        new.options[facts.context[0]] = context_length
    target = Target("cpu") if facts.cpu_only else target
    headers = headers_of(new, seen, half=target.on_gpu, within_s=left()) if seen is not None else None
    return new.engine, estimate(new.engine, headers, new.options, target), headers.download if headers else 0


def _named(launch: "Launch", within_s: float) -> "Launch":
    """The launch of the weights that a name means: of a model that is registered here, or a family of the catalogue.

    Raises ModelNotFound, InvalidRequest.
    """
    from models import catalogue
    from models.catalogue.launches import launch_of, planned, with_file
    from models.catalogue.plans import Machine

    if launch.model_path is not None or catalogue.is_shipped(launch.model_name):
        return launch
    machine = Machine(frozenset(FACTS), trusts=launch.trust_remote_code)
    made = planned(launch, machine, _registered(launch.model_name))
    return launch_of(launch, with_file(made, within_s))


def _registered(name: str) -> "Family | None":
    """The model that is registered under this name in the database that is set here; None: there is no such."""
    import msgspec
    import sqlalchemy as sa

    from models.catalogue.entries import Family
    from models.errors import DatabaseUnavailable
    from models.rows import registrations
    from models.rows.database import Database
    from models.settings import Settings

    url = sa.make_url(Settings().database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        return None
    database = Database(Settings().database)
    try:
        row = database.call(registrations.get, name)
    except (DatabaseUnavailable, sa.exc.SQLAlchemyError):  # the second: its schema is older
        return None
    finally:
        database.close()
    return None if row is None else msgspec.convert(row.family, Family)


def _target(device: str) -> "Target":
    """The kind of device to estimate for. Raises InvalidRequest."""
    from models.ledger.need import Target

    if device in ("cpu", "cuda", "metal"):
        return Target(device)
    if device != "auto":
        raise InvalidRequest(f"--device {device}: give cpu, cuda, metal or auto", param="device")
    from models.launching.devices import survey

    first = survey().devices[0]
    return Target(first.kind, first.kind != "cuda" or float(first.capability or 0) >= 8)


def _lines(name: str, engine: str, need: "Need", download: int | None) -> list[str]:
    """What is printed: the sum in words, then a line for each part."""
    from models.ledger.need import gib, in_words

    said = [f"{in_words(name, need)} on {engine}{f', as {need.dtype}' if need.dtype else ''}"]
    if need.least < need.total:
        said.append(f"with less it serves fewer requests at once; at least {gib(need.least)} GiB")
    said += [f"not known: {one}" for one in need.unknown]
    if download is None:
        said.append("the hub does not say how much is to be downloaded")
    elif download:
        said.append(f"{gib(download)} GiB are to be downloaded")
    return said
