"""Translates pydantic's findings about a request into our errors."""

from typing import Any

from models.errors import HeadraceError, InvalidRequest, UnknownParameter, UnsupportedParameter, UnsupportedThread

_UNSUPPORTED = {cls.code: cls for cls in (UnsupportedParameter, UnsupportedThread)}


def from_validation(problems: list[Any]) -> HeadraceError:
    """The first of pydantic's findings, as an error that names its parameter."""
    # A union fails in each of its branches. The client meant most likely the branch that failed at the deepest place,
    # or else one in which the type was right.
    same_field = [one for one in problems if _steps(one)[:1] == _steps(problems[0])[:1]]
    problem = max(same_field, key=lambda one: (len(one["loc"]), not one["type"].endswith("_type")))
    where = _steps(problem)
    kind = problem["type"]
    if kind in ("json_invalid", "value_error.jsondecode"):
        return InvalidRequest("the request body is not valid JSON", param=None)
    param = _path(where)
    if kind == "extra_forbidden":
        return UnknownParameter(f"unknown parameter: '{param}'", param=param)
    # A message of the inner request, which this request becomes for the engine, may name the parameter already.
    message: str = problem["msg"]
    if param is not None and not message.startswith(f"'{param}'"):
        message = f"'{param}': {message}"
    if kind in _UNSUPPORTED:
        return _UNSUPPORTED[kind](message, param=param)
    if param is None and kind in ("missing", "model_attributes_type", "dict_type"):
        return InvalidRequest("the request body must be a JSON object", param=None)
    return InvalidRequest(message, param=param)


def _steps(problem: Any) -> list[str]:
    """The path to what is wrong. A validator of a whole model names the field in its error's context, as ``param``."""
    steps = [str(step) for step in problem["loc"]]
    if steps[:1] == ["body"] or (len(steps) > 1 and steps[0] in ("query", "path", "header")):
        del steps[0]  # FastAPI puts it before the path; further in it would be a field of that name
    named = problem.get("ctx", {}).get("param")
    return [*steps, named] if isinstance(named, str) else steps


def _path(steps: list[str]) -> str | None:
    """``messages[0].role`` from its steps. The names that pydantic gives to a union's branches are left out."""
    path = ""
    for step in steps:
        if step.isdigit():
            path += f"[{step}]"
        elif (
            step.replace("_", "a").replace("-", "a").isalnum()
            and step.islower()
            and step not in ("str", "constrained-str", "int", "constrained-int", "float", "list", "dict")
        ):
            path += f".{step}" if path else step
    return path or None
