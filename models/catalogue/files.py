"""Which GGUF file of a repository a quantisation means: what its listing says, not what a template promises. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

from models.catalogue.plans import Plan
from models.errors import InvalidRequest

_PART = re.compile(r"-(\d{5})-of-\d{5}(?=\.gguf$)")


def settled(plan: Plan, files: Sequence[str]) -> Plan:
    """The plan with the file of its quantisation, and that which sees for it, by their names in the listing.

    Raises InvalidRequest where the repository has none, or several that may be meant.
    """
    if not plan.file:
        return plan
    found = file_of(plan, files)
    options = dict(plan.options)
    if plan.engine == "llama_cpp" and ("mmproj" in options or "vision" in plan.family.abilities):
        seeing = _projector(options.get("mmproj", ""), files)
        options = {name: value for name, value in options.items() if name != "mmproj"}
        options |= {"mmproj": seeing} if seeing else {}
    return replace(plan, file=found, options=options)


def file_of(plan: Plan, files: Sequence[str]) -> str:
    """The file of the plan's quantisation, the first one of several parts. Raises InvalidRequest."""
    if plan.file in files:
        return plan.file
    models = [one for one in files if one.endswith(".gguf") and not _is_projector(one)]
    saying = [one for one in models if says(one, plan.quantization)]
    fitting = [one for one in saying if fnmatchcase(one, plan.file)] or saying
    firsts = [one for one in fitting if (part := _PART.search(one)) is None or part[1] == "00001"]
    whole = [one for one in firsts if not _PART.search(one)] or firsts
    if len(whole) == 1:
        return whole[0]
    there = ", ".join((whole or models)[:8]) or "no GGUF file"
    which = "several files" if whole else "no file"
    raise InvalidRequest(
        f"{plan.repository} has {which} of the quantisation {plan.quantization}: there is {there}; "
        f"name one by model_path, as in {plan.repository}/file.gguf",
        param="quantization",
    )


def says(file: str, quantization: str) -> bool:
    """Whether the name of a file, or of its folder, says this quantisation, and not one that has more to its name."""
    word = re.escape(quantization.lower())
    before = "" if quantization.upper().startswith("UD-") else r"(?<!ud-)"
    return bool(re.search(rf"(?<![a-z0-9]){before}{word}(?![a-z0-9]|_[a-z0-9])", file.lower()))


def _projector(told: str, files: Iterable[str]) -> str:
    """The file that sees: the one that was told where it is there, else one in half precision; "": there is none."""
    there = [one for one in files if _is_projector(one)]
    if told in there:
        return told
    return min(there, key=lambda one: ("f16" not in one.lower().replace("bf16", ""), one), default="")


def _is_projector(file: str) -> bool:
    return file.endswith(".gguf") and "mmproj" in PurePosixPath(file).name.lower()
