"""A row of a file: where it stands and what it says of a tenant."""

from dataclasses import dataclass, field
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What is wrong with a row."""

    line: int
    """Line of the file on which the row begins; 0 for the file as a whole."""
    field: str
    """Path of the field as the API names it, such as `billingInfo.vatId`; empty for the row as a whole."""
    code: str
    """Stable code, such as `duplicate_in_file`."""
    message: str
    """What to change."""

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return {"line": self.line, "field": self.field, "code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True)
class Row:
    """A row."""

    line: int
    """Line of the file on which it begins."""
    arguments: dict[str, object] = field(default_factory=dict)
    """What it says, as the arguments of `tenants.create`."""
    problems: tuple[RowProblem, ...] = ()
    """Why it could not be read, if it could not."""

    @property
    def slug(self) -> str | None:
        """The slug, if it says one."""
        slug = self.arguments.get("slug")
        return slug if isinstance(slug, str) else None


@lru_cache(maxsize=1_024)
def snake_case(name: str) -> str:
    """The name of an argument for the name of a field: `billing_info` for `billingInfo`."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


@lru_cache(maxsize=1_024)
def camel_case(name: str) -> str:
    """The name of a field for the name of an argument: `billingInfo` for `billing_info`."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)
