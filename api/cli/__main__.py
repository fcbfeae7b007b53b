"""The command ``headrace``. It starts fast, because every command imports what it needs only when it runs.

Gateway, worker and steward are started as processes, never imported: ``api`` may not import ``workers``.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from api.cli import cached, catalogue, engines, jobs, life, memory, models, registering, xinference

app = typer.Typer(
    name="headrace",
    help="A self-hosted inference platform: one OpenAI-compatible API in front of models that stay resident.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
models.add_to(app)
cached.add_to(app)
jobs.add_to(app)
life.add_to(app)
memory.add_to(app)
engines.add_to(app)
registering.add_to(app)
catalogue.add_to(app)
xinference.add_to(app)

Host = Annotated[
    str | None, typer.Option("-H", "--host", help="Address to bind. [HEADRACE_HOST]", show_default="127.0.0.1")
]
Port = Annotated[
    int | None,
    typer.Option("-p", "--port", min=1, max=65535, help="Port to bind. [HEADRACE_PORT]", show_default="9997"),
]
Device = Annotated[
    str, typer.Option(help="The device to own: cpu, cpu:0=4GiB, cuda:0, … With cuda: a worker for each GPU.")
]
Devices = Annotated[
    list[str] | None,
    typer.Option(
        "--device",
        help="A device to run a worker for: cpu, cuda:0, cpu:0=4GiB (so much of the memory); repeat for several. "
        "Without: every GPU, and the CPU.",
    ),
]
Home = Annotated[Path | None, typer.Option(help="Where all state lives. [HEADRACE_HOME]", show_default="~/.headrace")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"headrace {version('headrace')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def up(
    host: Host = None,
    port: Port = None,
    home: Home = None,
    device: Devices = None,
    demo: Annotated[bool, typer.Option("--demo/--no-demo", help="Launch the demo models.")] = True,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Print the logs of all processes.")] = False,
) -> None:
    """Run everything on this machine: Redis, gateway, one worker a device, steward, and demo models."""
    from api.local.up import up as run
    from models.settings import Settings

    given = {"host": host, "port": port, "home": home}
    settings = Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    run(settings, device or [], demo=demo, verbose=verbose)


@app.command()
def gateway(host: Host = None, port: Port = None) -> None:
    """Run a gateway alone. Needs HEADRACE_REDIS_URL."""
    for name, value in (("HEADRACE_HOST", host), ("HEADRACE_PORT", port)):
        if value is not None:
            os.environ[name] = str(value)
    _become("api.app")


@app.command()
def worker(device: Device) -> None:
    """Run the worker of one device alone, or of each GPU. Needs HEADRACE_REDIS_URL."""
    if device == "cuda":
        from api.local import gpu_workers
        from models.settings import Settings

        gpu_workers.run(Settings())
    else:
        _become("workers.device", "--device", device)


@app.command()
def steward() -> None:
    """Run a steward alone: it places models on devices, and tidies. Needs HEADRACE_REDIS_URL."""
    _become("workers.steward")


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    _become("migrations", "upgrade")


def _become(module: str, *arguments: str) -> NoReturn:
    """Replace this process by the module's, so that signals reach that, and its exit code is seen."""
    # -P: a folder "models" in the user's current folder must not be imported instead of ours.
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *arguments])  # noqa: S606 - no shell is the point


def main() -> None:
    """Run the command. A failure is one line on stderr and exit code 1; a traceback would be a bug."""
    from models.errors import HeadraceError

    try:
        app()
    except HeadraceError as error:
        _fail(error.message)
    except OSError as error:
        _fail(str(error))
    except ValueError as error:  # pydantic's, from the environment, or an argument that is no text
        _fail(_no_text(error) or _settings_at_fault(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _no_text(error: ValueError) -> str:
    """What is to be said where an argument is not UTF-8, which Python reads as lone surrogates; "" otherwise."""
    if not isinstance(error, UnicodeEncodeError):
        return ""
    wrong = error.object[error.start : error.end]
    return "an argument is not UTF-8" if any("\ud800" <= one <= "\udfff" for one in wrong) else ""


def _settings_at_fault(error: ValueError) -> str:
    """Which settings are wrong, and why, in one line. A ValueError that is not pydantic's is raised again."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        raise error
    faults = (f"HEADRACE_{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors())
    return "; ".join(faults)


def _fail(message: str) -> NoReturn:
    sys.exit(f"headrace: {' '.join(message.split())}")


if __name__ == "__main__":
    main()
