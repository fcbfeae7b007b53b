"""The command that estimates what a model needs, on this machine alone: no server is asked."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.by_numbers import cache_options, of_nobody, of_plan
from api.cli.models import Format, Quantization, Size, Text, engine_options
from api.cli.paths import whole
from models.engines import FACTS, MODEL_TYPES
from models.errors import HeadraceError, InvalidRequest, ModelNotFound

if TYPE_CHECKING:
    from models.catalogue.entries import Family
    from models.catalogue.plans import Plan
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
    kv_cache_dtype: Annotated[
        Text, typer.Option("--kv-cache-dtype", "--kv_cache_dtype", help="Bits of its numbers: 8, 16 or 32.")
    ] = None,
    model_path: Annotated[
        Text, typer.Option("-mp", "--model-path", help="Weights: a path, hf:…, modelscope:… or pkg:….")
    ] = None,
    model_engine: Annotated[Text, typer.Option("-en", "--model-engine", help=", ".join(FACTS))] = None,
    model_type: Annotated[Text, typer.Option("-t", "--model-type", help=", ".join(MODEL_TYPES))] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, cuda or metal; auto: a GPU of this machine.")] = "auto",
) -> None:
    """Estimate the memory that a model needs, from the headers of its files: of a hub, some kilobytes are read.

    Without a name and a path, and where a hub cannot be reached, from its size, format and quantisation alone.
    Any further --key value is an option of its engine, as at a launch.
    """
    target = _target(device)
    launch = _launch(
        {
            "model_name": model_name or "model",
            "model_size_in_billions": size,
            "model_format": model_format,
            "quantization": quantization,
            "model_path": None if model_path is None else whole(model_path),
            "model_engine": model_engine,
            "model_type": model_type,
        }
        | engine_options(context.args)
    )
    if model_name is None and model_path is None:
        name, engine, need = of_nobody(launch.size, model_format, quantization, model_engine, target)
        cache_options(engine, kv_cache_dtype)
        lines = _lines(name, engine, need, 0)
    else:
        lines = _lines_of(launch, model_name or str(model_path), context_length, kv_cache_dtype, target)
    typer.echo("\n".join(lines))


def _lines_of(launch: "Launch", name: str, context_length: int | None, bits: str | None, target: "Target") -> list[str]:
    """What is printed of a launch; of one by name whose hub does not answer, from its numbers. Raises HeadraceError."""
    over = time.monotonic() + _WITHIN_S
    made = _planned(launch)
    try:
        return _lines(name, *_estimated(launch, made, context_length, bits, target, over))
    except HeadraceError as error:
        engine, need = of_plan(made, target) if made is not None and error.status >= 500 else ("", None)
        if need is None:
            raise
        return [*_lines(name, engine, need, 0), f"from its parameters alone: {error.message}"]


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


def _estimated(
    launch: "Launch", made: "Plan | None", context_length: int | None, bits: str | None, target: "Target", over: float
) -> tuple[str, "Need", int | None]:
    """The engine, what the model needs on it, and how much is to be downloaded. Raises InvalidRequest, Unavailable.

    ``over``: until when hubs are asked, as ``time.monotonic`` counts.
    """
    from models.catalogue.launches import launch_of, with_file
    from models.launching import hub
    from models.launching.launch import resolve, source_of
    from models.launching.peek_source import peek_or_why
    from models.ledger.estimate import estimate
    from models.ledger.look import headers_of
    from models.ledger.need import Target

    def left() -> float:
        return max(over - time.monotonic(), 0.1)

    if made is not None:
        launch = launch_of(launch, with_file(made, left()))
    text = source_of(launch)
    seen = peek_or_why(hub.parse(text), left()) if text else None
    if text and seen is None:
        raise ModelNotFound(f"the weights of {text} cannot be read by this account", param="model_path")
    new = resolve(launch, seen, trust_remote_code=launch.trust_remote_code)
    facts = FACTS[new.engine]
    if context_length is not None and facts.context is not None:
        new.options[facts.context[0]] = context_length
    new.options.update(cache_options(new.engine, bits))
    target = Target("cpu") if facts.cpu_only else target
    headers = headers_of(new, seen, half=target.on_gpu, within_s=left()) if seen is not None else None
    return new.engine, estimate(new.engine, headers, new.options, target), headers.download if headers else 0


def _planned(launch: "Launch") -> "Plan | None":
    """The plan for a name: of a model that is registered here, or a family of the catalogue; None: it is neither.

    Raises ModelNotFound, InvalidRequest.
    """
    from models import catalogue
    from models.catalogue.launches import planned
    from models.catalogue.plans import Machine

    if launch.model_path is not None or catalogue.is_shipped(launch.model_name):
        return None
    machine = Machine(frozenset(FACTS), trusts=launch.trust_remote_code)
    return planned(launch, machine, _registered(launch.model_name))


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
