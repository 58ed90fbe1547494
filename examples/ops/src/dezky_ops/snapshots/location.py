"""Where a store is. Locations may hold a password; what is shown of them never does."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from ..failure import Exit, Failure

SQLITE_PREFIX = "sqlite:"
MONGODB_PREFIXES = ("mongodb://", "mongodb+srv://")


@dataclass(frozen=True, slots=True)
class Location:
    """A store as the setting `store` names it."""

    text: str

    def __repr__(self) -> str:
        return f"Location({self.shown!r})"

    @property
    def file(self) -> Path | None:
        """The file of a SQLite store."""
        return Path(self.text.removeprefix(SQLITE_PREFIX)) if self.text.startswith(SQLITE_PREFIX) else None

    @property
    def shown(self) -> str:
        """The location without user, password and options."""
        if self.file is not None:
            return f"{SQLITE_PREFIX}{self.file.absolute()}"
        parts = urlsplit(self.text)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    @property
    def database(self) -> str:
        """The database of a MongoDB store."""
        return urlsplit(self.text).path.strip("/") or "dezky"

    def with_database(self, name: str) -> "Location":
        """Another database of the same server. Who signs in signs in where they did before."""
        parts = urlsplit(self.text)
        query = parts.query
        if "@" in parts.netloc and "authSource=" not in query:
            query = "&".join(filter(None, (query, f"authSource={parts.path.strip('/') or 'admin'}")))
        return Location(urlunsplit((parts.scheme, parts.netloc, f"/{name}", query, "")))


def located(text: str) -> Location:
    """A location, if it names a store.

    Raises `Failure` when it does not. The text is not repeated: it may hold a password.
    """
    if not text.startswith((SQLITE_PREFIX, *MONGODB_PREFIXES)) or text == SQLITE_PREFIX:
        message = "the store must be written as sqlite:PATH, mongodb://… or mongodb+srv://…"
        raise Failure(Exit.USAGE, "invalid_store", message)
    return Location(text)
