"""Tenants, people, plans and seats over time."""

from pathlib import Path
from typing import TYPE_CHECKING

from .collect import Usage, collect
from .series import Interval, Series, count_over_time
from .text import as_csv, as_json, as_markdown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Interval", "Series", "Usage", "as_csv", "as_json", "as_markdown", "collect", "count_over_time", "draw"]


def draw(usage: Usage) -> "Figure":
    """The picture of a report."""
    # What draws takes long to load, and most calls of a command draw nothing.
    from . import picture

    return picture.draw(usage)


def save_picture(usage: Usage, path: Path) -> None:
    """Draws a report into a file named .png, .svg or .pdf."""
    from .. import drawing

    drawing.save(draw(usage), path)
