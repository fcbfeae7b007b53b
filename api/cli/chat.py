"""``headrace chat``: a conversation at the terminal, or one question a line from a pipe."""

import contextlib
import sys
from collections.abc import Mapping
from typing import Any

import typer

from api.client import Client
from models.errors import HeadraceError, InvalidRequest


def converse(client: Client, uid: str, system: str, options: Mapping[str, Any]) -> None:
    """Read questions and stream answers until the input ends.

    Without a terminal, an answer that fails raises its HeadraceError; at a terminal it is printed.
    """
    interactive = sys.stdin.isatty()
    messages = [{"role": "system", "content": system}] if system else []
    if interactive:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - gives input() its history and line editing
        typer.echo(f"Talking to {uid}. Ctrl-C stops an answer, Ctrl-D leaves.")
    while (question := _ask(interactive)) is not None:
        if not question.strip():
            continue
        messages.append({"role": "user", "content": question})
        try:
            answer = _answer(client, uid, messages, options)
        except HeadraceError as error:
            if not interactive:
                raise
            typer.echo(f"error: {error.message}", err=True)
            messages.pop()
            if isinstance(error, InvalidRequest):  # most likely the conversation has grown too long
                typer.echo("the conversation so far is kept; Ctrl-D leaves", err=True)
            continue
        messages.append({"role": "assistant", "content": answer})


def _ask(interactive: bool) -> str | None:
    """The next question; None at the end of the input."""
    while True:
        try:
            return input("> " if interactive else "")
        except EOFError:
            if interactive:
                typer.echo()
            return None
        except KeyboardInterrupt:
            if not interactive:
                raise
            typer.echo()


def _answer(client: Client, uid: str, messages: list[dict[str, str]], options: Mapping[str, Any]) -> str:
    """Print the answer as it comes; returns what came until its end, or until Ctrl-C."""
    pieces: list[str] = []
    with contextlib.closing(client.chat(uid, messages, **options)) as stream:
        try:
            for piece in stream:
                pieces.append(piece)
                typer.echo(piece, nl=False)
                sys.stdout.flush()
        except KeyboardInterrupt:
            typer.echo(" …", nl=False)
    typer.echo()
    return "".join(pieces)
