"""Everything about one tenant or one person, as an archive that explains itself."""

from .archive import Archive, Contents, read_archive
from .person import export_person
from .tenant import export_tenant

__all__ = ["Archive", "Contents", "export_person", "export_tenant", "read_archive"]
