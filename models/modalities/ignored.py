"""What a checked request asks for in vain: unknown fields, and what is known but has no effect on the answer."""

from pydantic import BaseModel

from models.errors import UnsupportedParameter
from models.modalities.base import BaseRequest
from models.modalities.json_object import take_unknown
from models.modalities.media import MediaRequest


def take_ignored(request: BaseModel, *, strict: bool) -> tuple[str, ...]:
    """Remove the unknown fields of a request, and return the paths of all that is ignored in it.

    Raises UnknownParameter for a misspelt field; with ``strict`` it or UnsupportedParameter for whatever is ignored.
    """
    unknown = take_unknown(request, strict=strict)
    left_out = request.left_out if isinstance(request, BaseRequest) else ()
    if left_out and strict:
        path, _, kind = left_out[0].partition(": ")
        raise UnsupportedParameter(f"'{path}': '{kind or path}' is not supported", param=path)
    unenforced = request.unenforced if isinstance(request, BaseRequest | MediaRequest) else ()
    return (*unknown, *left_out, *unenforced)
