"""From a body to a checked request, and what happens to the fields of it that nobody knows.

They are taken, and named in the header ``x-headrace-ignored`` of the answer, in the log, and in a metric. Where
``HEADRACE_STRICT_FIELDS`` or the header ``x-headrace-strict`` is true, they are refused.
"""

import logging
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from api.bodies import reading
from api.gateway.gateway import gateway_of
from api.gateway.metrics import METRICS
from models.errors import InvalidRequest
from models.modalities.base import truth
from models.modalities.ignored import take_ignored
from models.validation import invalid

log = logging.getLogger(__name__)

T = TypeVar("T", bound=BaseModel)

LOGGED = 1000
"""Most characters of the names that one line of the log holds."""


class FieldRule:
    """What one request does with unknown fields, and which it has ignored so far."""

    def __init__(self, request_id: str, endpoint: str, ignored: list[str], *, strict: bool, within: str = "") -> None:
        """``ignored`` is the list that the edge puts into the answer's header; ``endpoint`` the route's path.

        ``within``: the field of the client's body in which the bodies stand that are checked.
        """
        self._request_id = request_id
        self._endpoint = endpoint
        self._ignored = ignored
        self._strict = strict
        self._within = within

    @property
    def strict(self) -> bool:
        """Whether unknown fields are refused."""
        return self._strict

    def check(self, shape: type[T], body: Any) -> T:
        """The body as a request of this shape. Raises InvalidRequest, UnknownParameter or UnsupportedParameter."""
        try:
            request = shape.model_validate(body)
        except ValidationError as error:
            raise invalid(error, body) from error
        self.ignore(take_ignored(request, strict=self._strict))
        return request

    def ignore(self, paths: tuple[str, ...]) -> None:
        """Name what has no effect on the answer, for the header, the log and the metric."""
        paths = tuple(f"{self._within}.{path}" for path in paths) if self._within else paths
        new = [path for path in paths if path not in self._ignored] if len(paths) < LOGGED else list(paths)
        if not new:
            return
        self._ignored.extend(new)
        METRICS.ignored.labels(self._endpoint).inc(len(new))
        log.info("%s ignored %s", self._request_id, repr(", ".join(new))[:LOGGED])


def rule_of(request: Request, within: str = "") -> FieldRule:
    """The rule for this request, or for what stands within this field of its body."""
    asked = request.headers.get("x-headrace-strict", "")
    strict = truth(asked) if asked.strip() else gateway_of(request).settings.strict_fields
    if not isinstance(strict, bool):
        raise InvalidRequest("'x-headrace-strict' is true or false", param="x-headrace-strict")
    endpoint = getattr(request.scope.get("route"), "path", "")
    return FieldRule(request.state.request_id, endpoint, request.state.ignored, strict=strict, within=within)


async def read(request: Request, shape: type[T]) -> T:
    """The JSON body of a request, checked. Raises InvalidRequest and its kin, UnsupportedMediaType, BodyTooLarge."""
    rule = rule_of(request)
    return await reading.read(request, lambda body: rule.check(shape, body))
