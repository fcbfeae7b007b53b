"""``headrace catalogue``: which catalogue of names is in use on this machine, a newer one, and the way back."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from models.catalogue.versions import InUse


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(invoke_without_command=True, subcommand_metavar="[COMMAND]")
    group.callback()(catalogue)
    group.command()(update)
    group.command()(rollback)
    app.add_typer(group, name="catalogue")


def catalogue(context: typer.Context) -> None:
    """Say which catalogue of names the processes of this machine's home use."""
    if context.invoked_subcommand is None:
        from models.catalogue.versions import in_use
        from models.settings import Settings

        _say(in_use(Settings().home))


def update(place: Annotated[str, typer.Argument(help="A path, or an https URL.")]) -> None:
    """Take a newer catalogue, once all of it was checked: it is in use at once, and the one before it is kept."""
    from models.catalogue.versions import update as take
    from models.settings import Settings

    _say(take(Settings().home, place))


def rollback() -> None:
    """Go back to the catalogue that was in use before."""
    from models.catalogue.versions import go_back
    from models.settings import Settings

    _say(go_back(Settings().home))


def _say(found: "InUse") -> None:
    which = "the shipped catalogue" if found.path is None else str(found.path)
    more = "; `headrace catalogue rollback` takes the other one" if found.former else ""
    typer.echo(f"in use: {which}, {found.count} families{more}")
