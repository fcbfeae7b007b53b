"""What a launch says where a package is missing that the libraries of engines do without otherwise."""

import re

from models.errors import InvalidRequest

_NAMED = re.compile(r"requires the ([\w.-]+) library|No module named '([\w-]+)'|`([\w-]+)` is required")


def package_in(error: ImportError) -> str:
    """The package that an error of transformers asks for; "" where it names none."""
    found = _NAMED.search(str(error))
    return next(filter(None, found.groups())) if found else ""


def lacking(package: str, what: str) -> InvalidRequest:
    """The error for a model of which some part, ``what``, needs a package that is not installed."""
    return InvalidRequest(
        f"{what} needs the package {package}, which is not installed here: "
        f"add it to the engine's environment (uv pip install {package})",
        param="model_path",
    )
