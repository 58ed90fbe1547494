"""Who may do what, and why: decisions of the platform's own policy over what stands in the store now."""

from pathlib import Path
from typing import TYPE_CHECKING

from .collect import Access, Report, of_person, of_platform, of_tenant
from .text import as_csv, as_json, as_markdown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [
    "Access",
    "Report",
    "as_csv",
    "as_json",
    "as_markdown",
    "draw",
    "of_person",
    "of_platform",
    "of_tenant",
    "save_picture",
]


def draw(report: Report) -> "Figure":
    """The picture of a report."""
    # What draws takes long to load, and most calls of a command draw nothing.
    from . import picture

    return picture.draw(report)


def save_picture(report: Report, path: Path) -> None:
    """Draws a report into a file named .png, .svg or .pdf."""
    from .. import drawing

    drawing.save(draw(report), path)
