"""``headrace chat`` and ``generate``: a conversation at the terminal, or one text a line from a pipe."""

import contextlib
import sys
from collections.abc import Callable, Generator, Mapping
from typing import Any

import typer

from api.client import Client
from models.errors import HeadraceError, InvalidRequest


def converse(client: Client, uid: str, system: str, options: Mapping[str, Any], *, stream: bool = True) -> None:
    """Read questions and answer them until the input ends; with ``stream`` an answer is printed as it comes.

    Without a terminal, an answer that fails raises its HeadraceError; at a terminal it is printed.
    """
    messages = [{"role": "system", "content": system}] if system else []

    def reply(question: str) -> None:
        messages.append({"role": "user", "content": question})
        try:
            answer = _print(client.chat(uid, messages, **options), stream=stream)
        except HeadraceError:
            messages.pop()
            raise
        messages.append({"role": "assistant", "content": answer})

    _each(f"Talking to {uid}", reply)


def continue_texts(client: Client, uid: str, options: Mapping[str, Any], *, stream: bool = True) -> None:
    """Read texts and go on from each, until the input ends. Fails as ``converse``."""
    _each(f"{uid} goes on from each line", lambda text: _print(client.generate(uid, text, **options), stream=stream))


def _each(greeting: str, reply: Callable[[str], object]) -> None:
    """Call ``reply`` with each line of the input that is not blank."""
    interactive = sys.stdin.isatty()
    if interactive:
        with contextlib.suppress(ImportError):
            import readline  # noqa: F401 - gives input() its history and line editing
        typer.echo(f"{greeting}. Ctrl-C stops an answer, Ctrl-D leaves.")
    while (line := _ask(interactive)) is not None:
        if not line.strip():
            continue
        try:
            reply(line)
        except HeadraceError as error:
            if not interactive:
                raise
            typer.echo(f"error: {error.message}", err=True)
            if isinstance(error, InvalidRequest):  # most likely the conversation has grown too long
                typer.echo("the conversation so far is kept; Ctrl-D leaves", err=True)


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


def _print(answer: Generator[str, None, None], *, stream: bool) -> str:
    """Print the answer, as it comes or at its end. Returns what came until its end, or until Ctrl-C."""
    pieces: list[str] = []
    with contextlib.closing(answer):
        try:
            for piece in answer:
                pieces.append(piece)
                if stream:
                    typer.echo(piece, nl=False)
                    sys.stdout.flush()
        except KeyboardInterrupt:
            typer.echo(" …", nl=False)
    typer.echo("" if stream else "".join(pieces))
    return "".join(pieces)
