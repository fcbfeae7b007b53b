"""Renders a chat template in a process of its own, for a template is a program of whoever wrote it.

Run as a script, isolated (``python -I``): it reads one job as JSON from its standard input, and writes what came of it
to its standard output. The template is rendered as transformers and vLLM do it: in jinja2's sandbox, whose objects it
may not change, with the same filters and functions. The kernel bounds the process in time and memory, and it can open
no file. It imports jinja2 and the standard library alone.
"""

import importlib
import json
import resource
import signal
import sys
from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

CPU_S = 2
WALL_S = 4
MEMORY_BYTES = 512 << 20
MOST_TEXT = 256 << 10
"""Most characters of what a template may write."""


class Generation(Extension):
    """``{% generation %}``, around what an assistant says: it marks that for training, and shows it as it is."""

    tags = {"generation"}  # noqa: RUF012 - of the library's class

    def parse(self, parser: Parser) -> list[nodes.Node]:
        """What stands between the tags."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Notes(Namespace):
    """What templates write to, without names that reach into Python."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        self, *rest = args
        given = dict(*rest, **kwargs)
        for name in given:
            _refuse_inner(name)
        Namespace.__init__(self, given)

    def __setitem__(self, name: str, value: Any) -> None:
        _refuse_inner(name)
        super().__setitem__(name, value)


def environment() -> ImmutableSandboxedEnvironment:
    """What templates are rendered in."""
    made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    made.filters["tojson"] = _tojson
    made.globals |= {
        "raise_exception": _raise_exception,
        "strftime_now": lambda form: datetime.now().strftime(form),
        "dict": lambda *args, **kwargs: dict(*args, **kwargs),
        "namespace": Notes,
    }
    return made


def rendered(template: str, variables: dict[str, Any]) -> dict[str, Any]:
    """What a template writes: its ``text``, or its ``error``, with ``kind``, ``line`` (None: not known), message."""
    try:
        return {"text": _clean("".join(_pieces(environment().from_string(template), variables)))}
    except TemplateSyntaxError as error:
        return _failed("syntax", error.lineno, error.message or "it is no template")
    except TooLong:
        return _failed("too_long", None, f"it writes more than {MOST_TEXT} characters")
    except MemoryError:
        return _failed("too_large", None, f"it needs more than {MEMORY_BYTES >> 20} MiB of memory")
    except Exception as error:  # noqa: BLE001 - whoever tries it must hear, whatever it raises
        named = "" if isinstance(error, TemplateError) else f"{type(error).__name__}: "
        return _failed("failed", _line(error.__traceback__), f"{named}{error}"[:2000])


class TooLong(Exception):
    """A template writes more than it may."""


def _pieces(template: jinja2.Template, variables: dict[str, Any]) -> Iterator[str]:
    left = MOST_TEXT
    for piece in template.generate(**variables):
        left -= len(piece)
        if left < 0:
            raise TooLong
        yield piece


def _failed(kind: str, line: int | None, message: str) -> dict[str, Any]:
    return {"error": {"kind": kind, "line": line, "message": _clean(message)}}


def _line(trace: TracebackType | None) -> int | None:
    """The line of the template, counted from 1, at which an error was raised."""
    found = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            found = trace.tb_lineno
        trace = trace.tb_next
    return found


def _clean(text: str) -> str:
    """The text without halves of signs, which nothing can encode."""
    return text.encode("utf-8", "replace").decode()


def _raise_exception(message: Any) -> None:
    raise TemplateError(str(message))


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse_inner(name: Any) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a namespace has no names that begin with an underscore, as {name!r}")


def _bound() -> None:
    """Bound this process. Where a system lacks such a bound, the parent still keeps the time."""
    signal.alarm(WALL_S)
    bounds = {"RLIMIT_CPU": CPU_S, "RLIMIT_AS": MEMORY_BYTES, "RLIMIT_CORE": 0, "RLIMIT_FSIZE": 0, "RLIMIT_NOFILE": 3}
    for name, most in bounds.items():
        try:
            resource.setrlimit(getattr(resource, name), (most, most))
        except (ValueError, OSError, AttributeError):
            continue


def _warm_up() -> None:
    """Read what is read late, while files can be opened: the time zone, and modules for errors and rare filters."""
    datetime.now().strftime("%c")
    for module in ("jinja2.constants", "jinja2.debug", "pprint"):
        importlib.import_module(module)
    for template in ("{{ a.b.c }}", "{% if", "{{ {'a': [1]} | tojson(indent=1) }}"):
        rendered(template, {})


def main() -> None:
    """Read a job, render it, and write what came of it."""
    data = sys.stdin.buffer.read()
    _warm_up()
    _bound()
    job = json.loads(data)
    sys.stdout.write(json.dumps(rendered(job["template"], job["variables"])))


if __name__ == "__main__":
    main()
