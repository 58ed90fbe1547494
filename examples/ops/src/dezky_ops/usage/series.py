"""Counting over time: how many there were at the beginning, and at the end of each day, week or month."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum


class Interval(StrEnum):
    """Length of a step."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


LONGEST_BY_STEP = (
    (timedelta(days=2), Interval.HOUR),
    (timedelta(days=92), Interval.DAY),
    (timedelta(days=730), Interval.WEEK),
)
"""The step that is taken for a period up to so long; months beyond."""


@dataclass(frozen=True, slots=True)
class Life:
    """When something came and went."""

    began: datetime
    ended: datetime | None
    kind: str
    """Such as its plan."""
    weight: int = 1
    """For how many it counts."""


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers over time, by kind."""

    at: tuple[datetime, ...]
    """When they were counted."""
    by_kind: dict[str, tuple[int, ...]]
    """The kinds with the most at the end come first."""

    @property
    def total(self) -> tuple[int, ...]:
        """All kinds together."""
        return tuple(map(sum, zip(*self.by_kind.values(), strict=True))) if self.by_kind else (0,) * len(self.at)


def fitting(since: datetime, until: datetime) -> Interval:
    """A step that shows a period in a readable number of points."""
    length = until - since
    return next((interval for longest, interval in LONGEST_BY_STEP if length <= longest), Interval.MONTH)


def moments(since: datetime, until: datetime, interval: Interval) -> tuple[datetime, ...]:
    """The beginning of a period, in UTC, the ends of the steps in it, and its end."""
    steps = [since]
    at = beginning(since.astimezone(UTC), interval)
    while (at := following(at, interval)) < until:
        steps.append(at)
    return (*steps, until)


def beginning(at: datetime, interval: Interval) -> datetime:
    """When the step began in which a time lies."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    match interval:
        case Interval.HOUR:
            return hour
        case Interval.DAY:
            return hour.replace(hour=0)
        case Interval.WEEK:
            return hour.replace(hour=0) - timedelta(days=at.weekday())
        case Interval.MONTH:
            return hour.replace(hour=0, day=1)


def following(at: datetime, interval: Interval) -> datetime:
    """When the next step begins."""
    match interval:
        case Interval.HOUR:
            return at + timedelta(hours=1)
        case Interval.DAY:
            return at + timedelta(days=1)
        case Interval.WEEK:
            return at + timedelta(weeks=1)
        case Interval.MONTH:
            return beginning(at + timedelta(days=32), Interval.MONTH)


def count_over_time(lives: Iterable[Life], at: Sequence[datetime]) -> Series:
    """How many there were at each of these times, which are in order: begun by then, and not ended."""
    changes: dict[str, list[int]] = {}
    for life in lives:
        steps = changes.setdefault(life.kind, [0] * (len(at) + 1))
        steps[first_not_before(at, life.began)] += life.weight
        if life.ended is not None:
            steps[first_not_before(at, life.ended)] -= life.weight
    counted = {kind: running(steps[:-1]) for kind, steps in changes.items()}
    ranked = sorted(counted, key=lambda kind: (-counted[kind][-1] if counted[kind] else 0, kind))
    return Series(tuple(at), {kind: counted[kind] for kind in ranked})


def first_not_before(at: Sequence[datetime], moment: datetime) -> int:
    """The first of these times at which what happened at this moment has happened."""
    return bisect_right(at, moment - timedelta(microseconds=1))


def running(steps: Iterable[int]) -> tuple[int, ...]:
    """Sums from the beginning on."""
    total, sums = 0, []
    for step in steps:
        total += step
        sums.append(total)
    return tuple(sums)
