"""Use as a picture: tenants by plan, people, seats against people, and the states of today."""

from collections.abc import Mapping
from datetime import datetime

import matplotlib.dates as mdates
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from .. import drawing
from .collect import Usage
from .series import Series

MOST_KINDS = 7
"""Further kinds are drawn together as one."""

STATES = {"active": "#1f6f78", "pending": "#e0a526", "suspended": "#c8553d", "deleted": "#8a8f98"}


def draw(usage: Usage) -> Figure:
    """Four pictures in one."""
    with drawing.look():
        drawn = drawing.figure(12, 8.2)
        upper, lower = drawn.subplots(2, 2)
        stacked(upper[0], usage.tenants, "Tenants by plan")
        stacked(upper[1], usage.people, "People")
        seats_and_people(lower[0], usage)
        states(lower[1], usage)
        totals = (
            f"{usage.tenants.total[-1]:,} tenants · {usage.people.total[-1]:,} people · "
            f"{usage.seats.total[-1]:,} seats · "
            f"{drawing.day(usage.since)} to {drawing.day(usage.until)}"
        )
        drawing.headline(drawn, "Use of the platform", totals)
        return drawn


def merged(by_kind: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The largest kinds, and all others as one."""
    kinds = list(by_kind)
    if len(kinds) <= MOST_KINDS:
        return dict(by_kind)
    kept = {kind: by_kind[kind] for kind in kinds[: MOST_KINDS - 1]}
    others = [by_kind[kind] for kind in kinds[MOST_KINDS - 1 :]]
    return kept | {f"{len(others)} others": tuple(map(sum, zip(*others, strict=True)))}


def stacked(axes: Axes, series: Series, title: str) -> None:
    """Numbers by kind, one above the other."""
    kinds = merged(series.by_kind)
    if kinds:
        at = places(series.at)
        if len(at) == 1:
            bottom = 0
            for colour, (kind, values) in zip(drawing.SERIES, kinds.items(), strict=False):
                axes.bar([0], values, bottom=bottom, width=0.4, color=colour, label=kind)
                bottom += values[0]
            axes.set_xticks([0], [f"{series.at[0]:%d %b %Y}"])
            axes.set_xlim(-1, 1)
        else:
            axes.stackplot(
                at, list(kinds.values()), labels=list(kinds), colors=drawing.SERIES, linewidth=0.6, edgecolor="white"
            )
            dates(axes)
            axes.set_xlim(at[0], at[-1])
        axes.legend(loc="upper left", ncols=4)
    numbers(axes, title)


def seats_and_people(axes: Axes, usage: Usage) -> None:
    """Whether what is paid for is used."""
    at = places(usage.seats.at)
    marker = "o" if len(at) == 1 else ""
    axes.plot(at, usage.seats.total, color=drawing.SERIES[1], linewidth=2.2, marker=marker, label="seats")
    axes.plot(at, usage.people.total, color=drawing.SERIES[0], linewidth=2.2, marker=marker, label="people")
    axes.fill_between(at, usage.seats.total, usage.people.total, color=drawing.LINE, alpha=0.5, linewidth=0)
    if len(at) > 1:
        axes.set_xlim(at[0], at[-1])
    dates(axes)
    axes.legend(loc="upper left", ncols=2)
    numbers(axes, "Seats and people")


def states(axes: Axes, usage: Usage) -> None:
    """Tenants and subscriptions by their state today."""
    entries = [
        (f"tenants: {name}", count, STATES.get(name, drawing.SERIES[7])) for name, count in usage.statuses.most_common()
    ]
    entries += [
        (f"subscriptions: {name.replace('_', ' ')}", count, drawing.SERIES[2])
        for name, count in usage.subscriptions.most_common()
    ]
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)
    axes.barh(
        range(len(entries)), [count for _, count, _ in entries], height=0.64, color=[colour for _, _, colour in entries]
    )
    for row, (_, count, _) in enumerate(entries):
        axes.text(count, row, f"  {count:,}", va="center", fontsize=9, color=drawing.FAINT)
    axes.set_yticks(range(len(entries)), [name for name, _, _ in entries], color=drawing.INK, fontsize=9.5)
    axes.set_xticks([])
    axes.set_ylim(len(entries) - 0.4, -0.6)
    axes.margins(x=0.12)
    axes.set_title("States today")


def places(at: tuple[datetime, ...]) -> list[float]:
    """Where moments stand on an axis of times."""
    return [float(mdates.date2num(moment)) for moment in at]  # type: ignore[no-untyped-call]


def dates(axes: Axes) -> None:
    """A readable axis of times."""
    locator = mdates.AutoDateLocator(minticks=3, maxticks=7)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(mdates.ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def numbers(axes: Axes, title: str) -> None:
    """A readable axis of numbers, from zero."""
    axes.set_title(title)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_ylim(0, max(axes.get_ylim()[1] * 1.22, 1))
