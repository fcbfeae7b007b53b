"""Which package reads the tokenizer in a model's folder, where it is not the library's own format.

Where the package is missing, transformers' own words name another one: it takes each ``tokenizer.model`` that it cannot
read for a file of tiktoken.
"""

import json
import re
from importlib.util import find_spec
from pathlib import Path

from workers.engines.missing_packages import lacking

_MODULES = {"sentencepiece": "sentencepiece", "tiktoken": "tiktoken", "mistral-common": "mistral_common"}
_PIECES = ("tokenizer.model", "sentencepiece.bpe.model", "sentencepiece.model", "spiece.model", "spm.model")
_OF_TIKTOKEN = re.compile(rb"[A-Za-z0-9+/]+={0,2} \d+\s")
_BEGINNING = 200


def package_for(folder: Path) -> str:
    """The package that reads the tokenizer in this folder; "" where the library needs none, or there is none."""
    if (folder / "tokenizer.json").is_file():
        return ""
    tekken = folder / "tekken.json"
    if tekken.is_file():
        return "" if "special_tokens" in _document(tekken) else "mistral-common"
    for path in filter(Path.is_file, (folder / name for name in _PIECES)):
        with path.open("rb") as file:
            return "tiktoken" if _OF_TIKTOKEN.match(file.read(_BEGINNING)) else "sentencepiece"
    return "tiktoken" if any(folder.glob("*.tiktoken")) else ""


def refuse_unread(folder: Path) -> None:
    """Raise InvalidRequest where the package that reads the tokenizer in this folder is not installed."""
    package = package_for(folder)
    if package and find_spec(_MODULES[package]) is None:
        raise lacking(package, "the tokenizer of this model")


def _document(path: Path) -> dict[str, object]:
    try:
        read = json.loads(path.read_bytes())
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}
