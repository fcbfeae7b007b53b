"""Translates pydantic's findings about a request into our errors."""

from typing import Any

from pydantic import ValidationError

from models.errors import HeadraceError, InvalidRequest, UnknownParameter, UnsupportedParameter, UnsupportedThread
from models.reasons import REASONS, told

_UNSUPPORTED = {cls.code: cls for cls in (UnsupportedParameter, UnsupportedThread)}
_UNSEEN = object()

OLDER_NAMES = {"repetition_penalty": "repeat_penalty", "max_tokens": "n_predict"}
"""Other programs' names of fields, which are read under ours; vLLM's ``guided_…`` become ``structured_outputs``."""


def invalid(error: ValidationError, body: Any = _UNSEEN) -> HeadraceError:
    """The first of pydantic's findings about a body, as an error that names its parameter as the client wrote it."""
    return from_validation(error.errors(include_url=False, include_input=False), body)


def from_validation(problems: list[Any], body: Any = _UNSEEN) -> HeadraceError:
    """The first of pydantic's findings, as an error that names its parameter.

    ``body`` is what was read, by which the names that pydantic gives to a union's branches can be told from keys.
    """
    # A union fails in each of its branches. The client meant most likely the branch that failed at the deepest place,
    # or else one in which the type was right.
    same_field = [one for one in problems if _steps(one)[:1] == _steps(problems[0])[:1]]
    problem = max(same_field, key=lambda one: (len(one["loc"]), not one["type"].endswith("_type")))
    kind = problem["type"]
    if kind in ("json_invalid", "value_error.jsondecode"):
        return InvalidRequest("the request body is not valid JSON", param=None)
    param = _path(problem, body)
    if kind == "extra_forbidden":
        return UnknownParameter(told(f"unknown parameter: '{param}'", "fault_extra_forbidden"), param=param)
    # A message of the inner request, which this request becomes for the engine, may name the parameter already.
    message: str = problem["msg"]
    if param is not None and not message.startswith(f"'{param}'"):
        message = f"'{param}': {message}"
    if kind in _UNSUPPORTED:
        return _UNSUPPORTED[kind](message, param=param)
    message = _told(message, problem)
    if param is None and kind in ("missing", "model_attributes_type", "dict_type", "model_type"):
        return InvalidRequest("the request body must be a JSON object", param=None)
    return InvalidRequest(message, param=param)


def _told(message: str, problem: Any) -> str:
    """What pydantic found, with its kind and limits, where ``REASONS`` has that kind."""
    code, given = f"fault_{problem['type']}", problem.get("ctx", {})
    names = REASONS.get(code)
    if names is None or not all(isinstance(given.get(name), str | int | float) for name in names):
        return message
    return told(message, code, **{name: given[name] for name in names})


def _steps(problem: Any) -> list[str]:
    """The path to what is wrong. A validator of a whole model names the field in its error's context, as ``param``."""
    steps = [str(step) for step in problem["loc"]]
    if steps[:1] == ["body"] or (len(steps) > 1 and steps[0] in ("query", "path", "header")):
        del steps[0]  # FastAPI puts it before the path; further in it would be a field of that name
    named = problem.get("ctx", {}).get("param")
    return [*steps, named] if isinstance(named, str) else steps


def _path(problem: Any, body: Any) -> str | None:
    """``messages[0].role``: where the problem is. The names that pydantic gives to a union's branches are left out."""
    steps = _as_written(_steps(problem), body)
    path = ""
    real = None if problem["type"] == "missing" else _real(steps, body)  # what is missing leads nowhere
    for step in real or _absent(problem, steps, body) or _likely(steps):
        path += f"[{step}]" if step.isdigit() else f".{step}" if path else step
    return path or None


def _as_written(steps: list[str], body: Any) -> list[str]:
    """The steps from the field that the client wrote, where it has another name than ours."""
    if not isinstance(body, dict) or not steps or steps[0] in body:
        return steps
    if OLDER_NAMES.get(steps[0]) in body:
        return [OLDER_NAMES[steps[0]], *steps[1:]]
    if steps[0] == "structured_outputs":
        guided = [name for name in body if name.startswith("guided_")]
        return [f"guided_{steps[1]}", *steps[2:]] if len(steps) > 1 else guided[:1] or steps
    return steps


def _real(steps: list[str], value: Any) -> list[str] | None:
    """The steps that lead into the value, without the branches' names; None if the last of them does not lead there."""
    if not steps:
        return None
    first, rest = steps[0], steps[1:]
    inner = _UNSEEN
    if isinstance(value, list) and first.isdigit() and int(first) < len(value):
        inner = value[int(first)]
    elif isinstance(value, dict) and first in value:
        inner = value[first]
    if inner is not _UNSEEN:
        if not rest:
            return [first]
        if (below := _real(rest, inner)) is not None:
            return [first, *below]
    return _real(rest, value)


def _absent(problem: Any, steps: list[str], body: Any) -> list[str] | None:
    """The steps where the last is not in the body: a key that is missing there, or else the name of a branch."""
    above = next((found for end in range(len(steps) - 1, 0, -1) if (found := _real(steps[:end], body))), None)
    is_key = problem["type"] == "missing" or isinstance(problem.get("ctx", {}).get("param"), str)
    return above + steps[-1:] if above and is_key else above


def _likely(steps: list[str]) -> list[str]:
    """The steps that look like keys and places, where the body is not at hand."""
    branches = ("str", "constrained-str", "int", "constrained-int", "float", "list", "dict")
    return [
        step
        for step in steps
        if step.isdigit()
        or (step.replace("_", "a").replace("-", "a").isalnum() and step.islower() and step not in branches)
    ]
