"""The one look of all pictures. Drawn without a screen."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .files import check_picture, written_whole

INK = "#1b2430"
FAINT = "#66717f"
LINE = "#dfe4ea"
PAPER = "#ffffff"

SERIES = ("#1f6f78", "#e0a526", "#7b5ea7", "#c8553d", "#5f8d4e", "#3d6fb6", "#a8648a", "#8a8f98")
"""Told apart by most people who see colours differently, and in grey too."""

STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.edgecolor": LINE,
    "axes.labelcolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "text.parse_math": False,  # a name with two dollar signs is a name
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "svg.fonttype": "none",
}

RESOLUTION = 150
"""Dots per inch."""


@contextmanager
def look() -> Iterator[None]:
    """Draws in the style of these pictures."""
    with mpl.rc_context(STYLE):
        yield


def figure(width: float, height: float) -> Figure:
    """An empty picture of so many inches."""
    result = Figure(figsize=(width, height), dpi=RESOLUTION)
    FigureCanvasAgg(result)
    return result


HEAD = 0.95
"""Inches that the words above a picture take."""


def headline(drawn: Figure, title: str, below: str) -> None:
    """The words above a picture, whatever its size."""
    width, height = drawn.get_size_inches()
    left = 0.28 / width
    drawn.text(left, 1 - 0.28 / height, title, ha="left", va="top", fontsize=15, fontweight="bold", color=INK)
    drawn.text(left, 1 - 0.62 / height, below, ha="left", va="top", fontsize=9.5, color=FAINT)
    drawn.set_layout_engine(
        "constrained",
        rect=(0.18 / width, 0.14 / height, 1 - 0.36 / width, 1 - (HEAD + 0.14) / height),
        h_pad=0.14,
        w_pad=0.14,
    )


def bare(axes: Axes) -> None:
    """Takes away lines that tell nothing."""
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def save(drawn: Figure, path: Path) -> None:
    """Writes a picture whole."""
    check_picture(path)
    with written_whole(path) as file:
        options: dict[str, Any] = {"format": path.suffix.lower().lstrip("."), "dpi": RESOLUTION, "facecolor": PAPER}
        drawn.savefig(file, **options)


def day(at: datetime) -> str:
    """A day in words."""
    return f"{at.day} {at:%B %Y}"


def shortened(text: str, longest: int) -> str:
    """A text that fits beside a picture."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"
