"""The one error tree. ``api.edge.errors`` maps it to the wire; nothing below the edge knows HTTP.

HeadraceError                      500 server_error
├── InvalidRequest                 400 invalid_request_error   invalid_value
│   ├── UnknownParameter           400                         unknown_parameter
│   ├── UnsupportedParameter       400                         unsupported_parameter
│   │   └── UnsupportedThread      400                         thread_unsupported_request
│   ├── InvalidLine                400                         invalid_json_line
│   ├── PreviousResponseNotFound   400                         previous_response_not_found
│   └── ContextLengthExceeded      400                         context_length_exceeded
├── Unauthorized                   401 authentication_error    invalid_api_key
├── Forbidden                      403 invalid_request_error   permission_denied
│   ├── AdminKeyRequired           403 permission_error        admin_key_required
│   ├── ForeignHost                403 permission_error        host_not_allowed
│   ├── ForeignPage                403 permission_error        origin_not_allowed
│   ├── BadSignature               403                         bad_signature
│   └── UrlExpired                 403                         url_expired
├── NotFound                       404 invalid_request_error   not_found
│   └── ModelNotFound              404                         model_not_found
├── MethodNotAllowed               405 invalid_request_error   method_not_allowed
├── RequestTooSlow                 408 invalid_request_error   request_timeout
├── Conflict                       409 invalid_request_error   conflict
│   ├── Cancelled                  409                         cancelled
│   └── IdempotencyConflict        409                         idempotency_key_in_use
├── BodyTooLarge                   413 invalid_request_error   body_too_large
├── UnsupportedMediaType           415 invalid_request_error   unsupported_media_type
├── RangeNotSatisfiable            416 invalid_request_error   invalid_range
├── RateLimited                    429 rate_limit_error        rate_limit_exceeded
│   └── QueueFull                  429                         queue_full
├── HeadersTooLarge                431 invalid_request_error   headers_too_large
├── Unavailable                    503 server_error            unavailable
│   ├── Overloaded                 503                         overloaded
│   ├── ModelNotReady              503                         model_not_ready
│   │   └── NoDevice               503                         no_device
│   ├── ModelFailed                503                         model_failed
│   │   └── HubUnreachable         503                         hub_unreachable
│   ├── BrokerUnavailable          503                         broker_unavailable
│   ├── DatabaseUnavailable        503                         database_unavailable
│   ├── StorageUnavailable         503                         storage_unavailable
│   ├── ShuttingDown               503                         shutting_down
│   ├── ReplicaLost                503                         replica_lost
│   └── SlowReader                 503                         slow_reader
├── DeadlineExceeded               504 server_error            deadline_exceeded
│   └── Expired                    504                         expired
├── EngineFailure                  500 server_error            engine_failure
└── AttemptsExhausted              500 server_error            attempts_exhausted
"""

from typing import Any, ClassVar

import msgspec

from models.reasons import Reason, Told


class WireError(msgspec.Struct, array_like=True, frozen=True):
    """An error as it crosses processes: its code names its class. ``reasons``: what its message says."""

    code: str
    message: str
    param: str | None = None
    retry_after: int | None = None
    reasons: tuple[Reason, ...] = ()


class HeadraceError(Exception):
    """Something went wrong on our side."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str] = "internal_error"

    def __init__(self, message: str = "", *, param: str | None = None, retry_after: int | None = None) -> None:
        """``message`` is for people; what is no Unicode in it, as in the names of files, is replaced."""
        self.reasons = message.reasons if isinstance(message, Told) else ()
        self.message = (message or (self.__doc__ or "").strip()).encode(errors="replace").decode()
        self.param = param
        self.retry_after = retry_after
        super().__init__(self.message)

    @property
    def told(self) -> Told:
        """Its message, with what it says."""
        return Told(self.message, self.reasons)

    def within(self, field: str) -> "HeadraceError":
        """This error about an object that is itself in a field of the body: its parameter is named from there."""
        if self.param is None:
            return self
        param = f"{field}.{self.param}"
        message = self.message.replace(f"'{self.param}'", f"'{param}'", 1)
        return type(self)(Told(message, self.reasons), param=param, retry_after=self.retry_after)

    def renamed(self, field: str, name: str) -> "HeadraceError":
        """This error with the name that the client has for a field, if it is about that field."""
        if self.param != field:
            return self
        message = self.message.replace(f"'{field}'", f"'{name}'")
        return type(self)(Told(message, self.reasons), param=name, retry_after=self.retry_after)

    def to_wire(self) -> WireError:
        """This error, ready to cross to another process."""
        return WireError(self.code, self.message, self.param, self.retry_after, self.reasons)

    @staticmethod
    def from_wire(error: WireError) -> "HeadraceError":
        """The error of which ``to_wire`` made this; an unknown code becomes a ``HeadraceError``."""
        cls = _by_code().get(error.code, HeadraceError)
        return cls(Told(error.message, error.reasons), param=error.param, retry_after=error.retry_after)

    def to_row(self) -> list[Any]:
        """This error as a list for a JSON column."""
        row: list[Any] = msgspec.to_builtins(self.to_wire())
        return row

    @staticmethod
    def from_row(value: list[Any] | None) -> "HeadraceError":
        """The error of which ``to_row`` made this; a ``HeadraceError`` where there is none."""
        return HeadraceError.from_wire(msgspec.convert(value, WireError)) if value else HeadraceError()


class InvalidRequest(HeadraceError):
    """The request is not valid."""

    status, type, code = 400, "invalid_request_error", "invalid_value"


class WeightsNotHere(InvalidRequest):
    """The weights of a launch are not on this machine; they may be on another."""

    code = "weights_not_here"


class UnknownParameter(InvalidRequest):
    """There is no such parameter."""

    code = "unknown_parameter"


class UnsupportedParameter(InvalidRequest):
    """This parameter is not supported by the model's engine."""

    code = "unsupported_parameter"


class UnsupportedThread(UnsupportedParameter):
    """Conversations are not kept for this protocol. Anthropic's clients know the code, and send all turns instead."""

    code = "thread_unsupported_request"


class InvalidLine(InvalidRequest):
    """This line is not a JSON object."""

    code = "invalid_json_line"


class PreviousResponseNotFound(InvalidRequest):
    """The response to go on from is not kept."""

    code = "previous_response_not_found"


class ContextLengthExceeded(InvalidRequest):
    """The prompt does not fit the model's context."""

    code = "context_length_exceeded"


class Unauthorized(HeadraceError):
    """The API key is missing or wrong."""

    status, type, code = 401, "authentication_error", "invalid_api_key"


class Forbidden(HeadraceError):
    """This is not allowed."""

    status, type, code = 403, "invalid_request_error", "permission_denied"


class AdminKeyRequired(Forbidden):
    """This needs an administrator's key: launching and terminating models is not for every API key."""

    type, code = "permission_error", "admin_key_required"


class ForeignHost(Forbidden):
    """This server is not known under this name; HEADRACE_PUBLIC_URL gives it another."""

    type, code = "permission_error", "host_not_allowed"


class ForeignPage(Forbidden):
    """A web page of this origin may change nothing here; HEADRACE_CORS_ORIGINS names those that may."""

    type, code = "permission_error", "origin_not_allowed"


class BadSignature(Forbidden):
    """This URL is not one that was handed out."""

    code = "bad_signature"


class UrlExpired(Forbidden):
    """This URL has expired; ask for a new one."""

    code = "url_expired"


class NotFound(HeadraceError):
    """There is nothing at this address."""

    status, type, code = 404, "invalid_request_error", "not_found"


class ModelNotFound(NotFound):
    """There is no such model."""

    code = "model_not_found"


class MethodNotAllowed(HeadraceError):
    """This address does not answer this method."""

    status, type, code = 405, "invalid_request_error", "method_not_allowed"


class RequestTooSlow(HeadraceError):
    """The request did not arrive in time."""

    status, type, code = 408, "invalid_request_error", "request_timeout"


class Conflict(HeadraceError):
    """The request contradicts what is there."""

    status, type, code = 409, "invalid_request_error", "conflict"


class Cancelled(Conflict):
    """The job was cancelled."""

    code = "cancelled"


class IdempotencyConflict(Conflict):
    """The idempotency key was used for another request."""

    code = "idempotency_key_in_use"


class BodyTooLarge(HeadraceError):
    """The request body is too large."""

    status, type, code = 413, "invalid_request_error", "body_too_large"


class UnsupportedMediaType(HeadraceError):
    """The request body must be JSON."""

    status, type, code = 415, "invalid_request_error", "unsupported_media_type"


class RangeNotSatisfiable(HeadraceError):
    """The range lies outside the file."""

    status, type, code = 416, "invalid_request_error", "invalid_range"


class RateLimited(HeadraceError):
    """Too many requests under this key."""

    status, type, code = 429, "rate_limit_error", "rate_limit_exceeded"


class QueueFull(RateLimited):
    """Too many jobs are waiting."""

    code = "queue_full"


class HeadersTooLarge(HeadraceError):
    """The headers of the request are too large."""

    status, type, code = 431, "invalid_request_error", "headers_too_large"


class Unavailable(HeadraceError):
    """The service cannot answer now."""

    status, code = 503, "unavailable"


class Overloaded(Unavailable):
    """Every replica of the model is full."""

    code = "overloaded"


class ModelNotReady(Unavailable):
    """The model is loading."""

    code = "model_not_ready"


class NoDevice(ModelNotReady):
    """No device that is here can serve the model."""

    code = "no_device"


class ModelFailed(Unavailable):
    """The model could not be loaded."""

    code = "model_failed"


class HubUnreachable(ModelFailed):
    """The hub that has the weights does not answer."""

    code = "hub_unreachable"


class BrokerUnavailable(Unavailable):
    """The broker does not answer."""

    code = "broker_unavailable"


class DatabaseUnavailable(Unavailable):
    """The database does not answer."""

    code = "database_unavailable"


class StorageUnavailable(Unavailable):
    """The artifact store does not answer."""

    code = "storage_unavailable"


class ShuttingDown(Unavailable):
    """The server is shutting down."""

    code = "shutting_down"


class ReplicaLost(Unavailable):
    """The replica that served this request was lost."""

    code = "replica_lost"


class SlowReader(Unavailable):
    """The stream was cut because its reader fell too far behind."""

    code = "slow_reader"


class DeadlineExceeded(HeadraceError):
    """The request's deadline passed."""

    status, code = 504, "deadline_exceeded"


class Expired(DeadlineExceeded):
    """The job's deadline passed before it was done."""

    code = "expired"


class EngineFailure(HeadraceError):
    """The engine failed."""

    code = "engine_failure"


class AttemptsExhausted(HeadraceError):
    """The job was tried as often as it may be."""

    code = "attempts_exhausted"


def _by_code() -> dict[str, type[HeadraceError]]:
    found: dict[str, type[HeadraceError]] = {}
    pending: list[type[HeadraceError]] = [HeadraceError]
    while pending:
        cls = pending.pop()
        found[cls.code] = cls
        pending.extend(cls.__subclasses__())
    return found
