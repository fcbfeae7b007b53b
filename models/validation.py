"""What pydantic finds wrong with a request, in our words."""

from typing import Any

from models.errors import HeadraceError, InvalidRequest, UnknownParameter, UnsupportedParameter, UnsupportedThread

_UNSUPPORTED = {cls.code: cls for cls in (UnsupportedParameter, UnsupportedThread)}


def from_validation(problems: list[Any]) -> HeadraceError:
    """The first of pydantic's findings, as an error that names its parameter."""
    # Of a union's branches, the one that came furthest is what the client meant; or else one whose type it is.
    same_field = [one for one in problems if _steps(one)[:1] == _steps(problems[0])[:1]]
    problem = max(same_field, key=lambda one: (len(one["loc"]), not one["type"].endswith("_type")))
    where = _steps(problem)
    kind = problem["type"]
    if kind in ("json_invalid", "value_error.jsondecode"):
        return InvalidRequest("the request body is not valid JSON", param=None)
    param = _path(where)
    if kind == "extra_forbidden":
        return UnknownParameter(f"unknown parameter: '{param}'", param=param)
    # What another request that this one becomes has said of itself may name the parameter already.
    said: str = problem["msg"]
    if param is not None and not said.startswith(f"'{param}'"):
        said = f"'{param}': {said}"
    if kind in _UNSUPPORTED:
        return _UNSUPPORTED[kind](said, param=param)
    if param is None and kind in ("missing", "model_attributes_type", "dict_type"):
        return InvalidRequest("the request body must be a JSON object", param=None)
    return InvalidRequest(said, param=param)


def _steps(problem: Any) -> list[str]:
    """The way to what is wrong. A validator of a whole model says the field in its error's context, as ``param``."""
    found = [str(step) for step in problem["loc"]]
    if found[:1] == ["body"] or (len(found) > 1 and found[0] in ("query", "path", "header")):
        del found[0]  # where FastAPI found it; a body may have a field of that name
    named = problem.get("ctx", {}).get("param")
    return [*found, named] if isinstance(named, str) else found


def _path(steps: list[str]) -> str | None:
    """``messages[0].role`` from its steps. A union's branch names are pydantic's, not the client's: left out."""
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
