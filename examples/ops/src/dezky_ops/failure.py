"""Why a command ends without success: lines for standard error, and an exit code. The codes are those of the binary
`dezky`."""

from enum import IntEnum

from dezky import DezkyError


class Exit(IntEnum):
    """Exit codes."""

    DONE = 0
    FAILED = 1
    """It could not be done; what was done stays."""
    USAGE = 2
    """The command, a setting, a file or a field is wrong."""
    NOT_FOUND = 3
    """There is nothing of that name."""
    CONFLICT = 4
    """The state of something is in the way."""
    UNAVAILABLE = 5
    """Not available now: the same command may succeed later."""
    NOT_CONFIRMED = 6
    """It cannot be undone and was not confirmed."""
    LEFT = 7
    """Done, and something is left to a person."""
    INTERRUPTED = 130
    """Ctrl-C, or another signal that asks to end."""


class Failure(Exception):
    """A reason to end, with its exit code."""

    def __init__(self, exit_code: Exit, code: str, message: str, details: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.code = code
        self.message = message
        self.details = details

    def lines(self) -> list[str]:
        """What standard error is told."""
        return [f"{self.code}: {self.message}", *(f"  {detail}" for detail in self.details)]

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return {"error": {"code": self.code, "message": self.message, "details": list(self.details)}}


EXIT_BY_KIND = {
    "configuration": Exit.USAGE,
    "bad_request": Exit.USAGE,
    "invalid": Exit.USAGE,
    "payload_too_large": Exit.USAGE,
    "not_found": Exit.NOT_FOUND,
    "conflict": Exit.CONFLICT,
    "precondition_failed": Exit.CONFLICT,
    "unavailable": Exit.UNAVAILABLE,
    "rate_limited": Exit.UNAVAILABLE,
}


def of_error(error: DezkyError) -> Failure:
    """What a refused or failed use case means for a command."""
    exit_code = EXIT_BY_KIND.get(error.kind, Exit.FAILED)
    # A single field stands in the message already.
    details = tuple(f"{field.field}: {field.message}" for field in error.fields) if len(error.fields) > 1 else ()
    return Failure(exit_code, error.code, error.message, details)
