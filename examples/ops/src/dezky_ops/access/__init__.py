"""Who may do what, and why: decisions of the platform's own policy over what stands in the store now."""

from .collect import Access, Report, of_person, of_platform, of_tenant
from .picture import draw
from .text import as_csv, as_json, as_markdown

__all__ = ["Access", "Report", "as_csv", "as_json", "as_markdown", "draw", "of_person", "of_platform", "of_tenant"]
