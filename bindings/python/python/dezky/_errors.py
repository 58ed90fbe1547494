"""Errors: one class for each kind, made of what the API says."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from . import _native


class FieldError(msgspec.Struct, frozen=True):
    """A bad field of an input."""

    field: str
    """Where it stands, as the API names it: ``billingInfo.email``, ``domains[2]``."""
    code: str
    """The stable code."""
    message: str
    """What to change."""


class DezkyError(Exception):
    """What every failed call raises, ``KeyboardInterrupt`` and cancellation aside."""

    kind: ClassVar[str] = "internal"
    """The kind of error: one for each class."""

    code: str
    """The stable code, the same as over HTTP: what programs look at."""
    status: int
    """The status of HTTP that this kind of error has."""
    message: str
    """What to change, for a person."""
    fields: tuple[FieldError, ...]
    """The bad fields."""
    retryable: bool
    """Whether the same call may succeed later, with nothing changed by the caller."""
    retry_after: int | None
    """How many seconds to wait before that, where it is known."""
    request_id: str | None
    """Identifies the request; stands in logs and audit events too."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "internal",
        status: int = 500,
        fields: tuple[FieldError, ...] = (),
        retryable: bool | None = None,
        retry_after: int | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.status = status
        self.fields = fields
        self.retry_after = retry_after
        self.request_id = request_id
        # Over HTTP the kind alone says so.
        self.retryable = self.kind in ("rate_limited", "unavailable") if retryable is None else retryable

    def __reduce__(self) -> tuple[object, ...]:
        return _again, (
            type(self),
            self.message,
            self.code,
            self.status,
            self.fields,
            self.retryable,
            self.retry_after,
            self.request_id,
        )


def _again(
    made: type[DezkyError],
    message: str,
    code: str,
    status: int,
    fields: tuple[FieldError, ...],
    retryable: bool,
    retry_after: int | None,
    request_id: str | None,
) -> DezkyError:
    return made(
        message,
        code=code,
        status=status,
        fields=fields,
        retryable=retryable,
        retry_after=retry_after,
        request_id=request_id,
    )


class BadRequest(DezkyError):
    """400: a cursor or an id of the wrong form."""

    kind = "bad_request"


class InvalidToken(DezkyError):
    """401: the token proves nothing; ``code`` says why."""

    kind = "unauthenticated"


class Forbidden(DezkyError):
    """403: the caller may not do this; ``fields`` names fields that they may not set."""

    kind = "forbidden"


class NotFound(DezkyError):
    """404: it does not exist, or the caller may not see it."""

    kind = "not_found"


class MethodNotAllowed(DezkyError):
    """405: the path exists, the method does not."""

    kind = "method_not_allowed"


class Conflict(DezkyError):
    """409: the state of something else is in the way: a taken slug, the last owner."""

    kind = "conflict"


class PreconditionFailed(DezkyError):
    """412: ``if_match`` is not the current version."""

    kind = "precondition_failed"


class PayloadTooLarge(DezkyError):
    """413: more than 1 MiB."""

    kind = "payload_too_large"


class UnsupportedMediaType(DezkyError):
    """415: a body that is no JSON."""

    kind = "unsupported_media_type"


class Invalid(DezkyError):
    """422: ``fields`` names each bad field."""

    kind = "invalid"


class RateLimited(DezkyError):
    """429: too many calls."""

    kind = "rate_limited"


class ConfigurationError(DezkyError):
    """500, from ``open`` alone: a setting is wrong; the message names it."""

    kind = "configuration"


class Unavailable(DezkyError):
    """503: the store or the issuer does not answer, the time is up, or this was closed."""

    kind = "unavailable"


class Internal(DezkyError):
    """500: a defect; standard error has the details under ``request_id``."""

    kind = "internal"


_CLASSES: tuple[type[DezkyError], ...] = (
    BadRequest,
    InvalidToken,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    PreconditionFailed,
    PayloadTooLarge,
    UnsupportedMediaType,
    Invalid,
    RateLimited,
    ConfigurationError,
    Unavailable,
    Internal,
)
_BY_KIND = {made.kind: made for made in _CLASSES}
_BY_STATUS: dict[int, type[DezkyError]] = {
    400: BadRequest,
    401: InvalidToken,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    412: PreconditionFailed,
    413: PayloadTooLarge,
    415: UnsupportedMediaType,
    422: Invalid,
    429: RateLimited,
    503: Unavailable,
}


class _Payload(msgspec.Struct, rename="camel"):
    kind: str
    code: str
    status: int
    message: str
    retryable: bool
    fields: tuple[FieldError, ...] = ()
    retry_after: int | None = None
    request_id: str | None = None


class _Problem(msgspec.Struct, rename="camel"):
    code: str
    status: int
    detail: str
    request_id: str | None = None
    errors: tuple[FieldError, ...] = ()


_payload = msgspec.json.Decoder(_Payload)
_problem = msgspec.json.Decoder(_Problem)


def from_failure(failure: _native.Failure) -> DezkyError:
    """The error that the native module told as JSON."""
    said = _payload.decode(str(failure))
    return _BY_KIND.get(said.kind, Internal)(
        said.message,
        code=said.code,
        status=said.status,
        fields=said.fields,
        retryable=said.retryable,
        retry_after=said.retry_after,
        request_id=said.request_id or None,
    )


def from_problem(body: bytes, retry_after: str | None) -> DezkyError:
    """The error that a problem document stands for."""
    problem = _problem.decode(body)
    return _BY_STATUS.get(problem.status, Internal)(
        problem.detail,
        code=problem.code,
        status=problem.status,
        fields=problem.errors,
        retry_after=int(retry_after) if retry_after is not None and retry_after.isdigit() else None,
        request_id=problem.request_id or None,
    )


def invalid_argument(name: str, message: str) -> Invalid:
    """An argument that no request can be made of."""
    field = FieldError(field=name, code="wrong_type", message=message)
    return Invalid(f"`{name}`: {message}", code="invalid_fields", status=422, fields=(field,))
