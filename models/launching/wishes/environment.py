"""Environment variables that a launch gives to the processes of its model: which may be set, and why others may not.

Who may launch need not be who runs the server: such a variable must not decide which code runs there, which files are
read, or where the server's own secrets are sent.
"""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from models.errors import InvalidRequest
from models.rows.life.history import HIDDEN

Environment = Annotated[dict[str, str], Field(max_length=64)]
"""Xinference's ``envs``."""

MOST_VALUE = 4000
"""Characters of a value."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)

_RULES = (
    (
        r".*VISIBLE_DEVICES|CUDA_DEVICE_ORDER|GPU_DEVICE_ORDINAL|ROCR_.*DEVICES",
        "the platform gives each replica its devices: say which ones with n_gpu, gpu_idx or node",
    ),
    (r"HEADRACE_.*", "it is a setting of the server, and is set where the server is started"),
    (r"TMP|TEMP|TMPDIR|TEMPDIR", "each process has a folder of its own for temporary files, which goes with it"),
    (r".*REMOTE_CODE.*", "whether code of the weights may run is said by trust_remote_code"),
    (
        r"(HF|HUGGINGFACE|MODELSCOPE).*_(ENDPOINT|DOMAIN|CACHE)|TRANSFORMERS_CACHE",
        "hubs and the folder of weights are the server's: say the hub with download_hub",
    ),
    (
        r".*_PROXY|SSL_.*|OPENSSL_.*|.*CA_BUNDLE|AWS_.*|AZURE_.*|GOOGLE_.*|GCS_.*|S3_.*|FSSPEC_.*",
        "it changes where the server's own data and tokens are sent: set it where the worker is started",
    ),
    (
        r"PYTHON.*|LD_.*|DYLD_.*|GLIBC_TUNABLES|BASH_.*|ENV|SHELL|IFS|GIT_.*|CC|CXX|CUDACXX|NVCC_.*|.*PRELOAD"
        r"|TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD|VLLM_ALLOW_INSECURE_SERIALIZATION|NCCL_NET|FLASHINFER_WORKSPACE_BASE"
        r"|(.*_)?(PATH|HOME|DIR|DIRS|ROOT|FOLDER|FILE|SO|LIB|LIBS|LIBRARY|LIBRARIES|PLUGIN|PLUGINS|LOCPATH|ICD|VENDORS)",
        "it can change which code runs, or which files are used: set it where the worker is started",
    ),
)
"""Patterns of names in capitals that are refused, and what to do instead."""
_REFUSED = tuple((re.compile(pattern), why) for pattern, why in _RULES)


def refuse_environment(given: Mapping[str, str]) -> None:
    """Raise InvalidRequest, with ``envs.NAME``, for a variable that a launch may not set. Values are not repeated."""
    for name, value in given.items():
        if why := _why_not(name, value):
            raise InvalidRequest(why, param=f"envs.{name[:128]}")


def _why_not(name: str, value: str) -> str:
    """Why a variable may not be set, or not so; empty where it may."""
    if not _NAME.fullmatch(name):
        return f"'{name[:128]}' cannot be the name of a variable: it is of letters, digits and _, 128 at most"
    for pattern, why in _REFUSED:
        if pattern.fullmatch(name.upper()):
            return f"'{name}' cannot be set for a model: {why}"
    if len(value) > MOST_VALUE:
        return f"the value of '{name}' is longer than {MOST_VALUE} characters"
    if value == HIDDEN:
        return f"the value of '{name}' was hidden where this was copied from: give it again"
    return ""
