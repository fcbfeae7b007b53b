"""Flags of ``launch`` that are fields of its body, and nothing to the command itself: declared here alone.

The library of the command line shows them in ``launch --help``. They are read in ``launch_flags``, since a switch may
have a value or none, and names may have underscores.
"""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any

import typer

SWITCH = "[true|false]"
"""The value of a flag that is true without one."""

_STAYING, _AGAIN, _WEIGHTS = "How long it stays", "After failures and starts", "Its weights"
_PLACES = "Where it runs"
_Text = str | None


def declared(
    keep_alive: Annotated[
        _Text,
        typer.Option(
            metavar="TIME", help="Unload it after so long unused: 300, 5m; -1: never.", rich_help_panel=_STAYING
        ),
    ] = None,
    pinned: Annotated[
        _Text, typer.Option(metavar=SWITCH, help="Never unload it, whatever its keep-alive.", rich_help_panel=_STAYING)
    ] = None,
    load_on_request: Annotated[
        _Text, typer.Option(metavar=SWITCH, help="Load it when it is first asked for.", rich_help_panel=_STAYING)
    ] = None,
    min_replicas: Annotated[
        _Text, typer.Option(metavar="N", help="Copies that stay loaded; 0: none.", rich_help_panel=_STAYING)
    ] = None,
    max_replicas: Annotated[
        _Text, typer.Option(metavar="N", help="Up to so many while requests wait.", rich_help_panel=_STAYING)
    ] = None,
    request_limits: Annotated[
        _Text, typer.Option(metavar="N", help="Requests that one copy takes at most.", rich_help_panel=_STAYING)
    ] = None,
    priority: Annotated[
        _Text, typer.Option(metavar="N", help="At a start lower ones are loaded first; 100.", rich_help_panel=_AGAIN)
    ] = None,
    autostart: Annotated[
        _Text, typer.Option(metavar=SWITCH, help="false: forgotten at the next start.", rich_help_panel=_AGAIN)
    ] = None,
    max_retries: Annotated[
        _Text, typer.Option(metavar="N", help="Tries after a load that failed; 5.", rich_help_panel=_AGAIN)
    ] = None,
    retry_interval_s: Annotated[
        _Text, typer.Option(metavar="SECONDS", help="Before the first try; doubles; 60.", rich_help_panel=_AGAIN)
    ] = None,
    replica_config: Annotated[
        _Text, typer.Option(metavar="JSON", help="The devices of each copy, a list.", rich_help_panel=_PLACES)
    ] = None,
    download_hub: Annotated[
        _Text, typer.Option(metavar="HUB", help="huggingface or modelscope.", rich_help_panel=_WEIGHTS)
    ] = None,
    trust_remote_code: Annotated[
        _Text, typer.Option(metavar=SWITCH, help="Run code of the weights.", rich_help_panel=_WEIGHTS)
    ] = None,
    enable_thinking: Annotated[
        _Text, typer.Option(metavar=SWITCH, help="Think unless a request says not (vllm).", rich_help_panel=_WEIGHTS)
    ] = None,
) -> None:
    """Declare these flags."""


@cache
def options() -> tuple[Any, ...]:
    """The flags as the library of the command line has them."""
    holder = typer.Typer(add_completion=False)
    holder.command(context_settings={"help_option_names": []})(declared)
    made = typer.main.get_command(holder)
    return tuple(one for one in made.params if one.name != "help")


@cache
def further() -> Mapping[str, tuple[str, bool]]:
    """The field of each flag, ``--keep-alive`` and ``--keep_alive``, and whether that is a switch."""
    found: dict[str, tuple[str, bool]] = {}
    for one in options():
        for flag in (f"--{one.name}", f"--{one.name.replace('_', '-')}"):
            found[flag] = (one.name, one.metavar == SWITCH)
    return found
