"""Counting over time, and the report of a platform that has grown."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Ops
from PIL import Image
from worlds import BEGINNING, grow, sqlite

from dezky_ops.usage.series import Interval, Life, count_over_time, fitting, moments

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_life_counts_from_its_beginning_until_its_end() -> None:
    days = [NEW_YEAR + timedelta(days=day) for day in range(5)]
    lives = [
        Life(days[0] - timedelta(hours=1), None, "starter"),
        Life(days[1], days[3], "starter"),
        Life(days[2] + timedelta(hours=1), None, "business", weight=10),
        Life(days[4] + timedelta(hours=1), None, "later"),
    ]
    series = count_over_time(lives, days)
    assert series.by_kind["starter"] == (1, 2, 2, 1, 1)
    assert series.by_kind["business"] == (0, 0, 0, 10, 10)
    assert series.by_kind["later"] == (0, 0, 0, 0, 0)
    assert series.total == (1, 2, 2, 11, 11)
    assert next(iter(series.by_kind)) == "business"


def test_steps_end_where_the_calendar_says() -> None:
    since, until = datetime(2025, 12, 10, 15, tzinfo=UTC), datetime(2026, 2, 3, tzinfo=UTC)
    months = moments(since, until, Interval.MONTH)
    assert months == (since, NEW_YEAR, datetime(2026, 2, 1, tzinfo=UTC), until)
    weeks = moments(since, until, Interval.WEEK)
    assert all(at.weekday() == 0 and at.hour == 0 for at in weeks[1:-1])
    assert weeks[-1] == until


@pytest.mark.parametrize(("days", "interval"), [(1, "hour"), (30, "day"), (400, "week"), (4_000, "month")])
def test_the_step_fits_the_period(days: int, interval: str) -> None:
    assert fitting(NEW_YEAR, NEW_YEAR + timedelta(days=days)) == interval


def test_nothing_is_no_mistake(ops: Ops, store: str) -> None:
    assert store
    ended = ops("usage-report", "--json")
    assert ended.code == 0
    assert ended.json["tenants"]["total"][-1] == 0


def test_the_report_of_a_platform_that_has_grown(ops: Ops, tmp_path: Path) -> None:
    store = sqlite(tmp_path)
    until = grow(store, months=8, companies=20, people=120)
    picture = tmp_path / "usage.png"
    common = ("usage-report", "--store", store, "--until", f"{until:%Y-%m-%d}")
    ended = ops(*common, "--json", "--interval", "month", "--picture", picture)
    assert ended.code == 0, ended.err
    report = ended.json
    totals = report["tenants"]["total"]
    assert totals[0] == 1
    assert totals[-1] == 19
    assert totals[:-2] == sorted(totals[:-2])
    assert report["tenantsByStatus"]["deleted"] == 1
    assert report["since"] == f"{BEGINNING:%Y-%m-%dT%H:%M:%S}.000Z"
    assert (
        sum(report["seats"]["byKind"][kind][-1] for kind in report["seats"]["byKind"]) == report["seats"]["total"][-1]
    )
    sizes = [tenant["members"] for tenant in report["largestTenants"]]
    assert sizes == sorted(sizes, reverse=True)
    with Image.open(picture) as image:
        assert image.size == (1800, 1230)

    rows = list(csv.DictReader(io.StringIO(ops(*common, "--format", "csv", "--interval", "month").out)))
    of_csv = {(row["at"], row["number"], row["kind"]): int(row["value"]) for row in rows}
    for kind, values in report["people"]["byKind"].items():
        assert [of_csv[at, "people", kind] for at in report["at"]] == values

    text = ops(*common).out
    assert "| tenants | 1 | 19 | +18 |" in text


def test_a_period_that_ends_before_it_begins_is_refused(ops: Ops, store: str) -> None:
    assert store
    ended = ops("usage-report", "--since", "2026-02-01", "--until", "2026-01-01")
    assert ended.code == 2
    assert ended.err.startswith("empty_period: ")


def test_an_unknown_kind_of_picture_is_refused_at_once(ops: Ops, store: str) -> None:
    assert store
    ended = ops("usage-report", "--picture", "usage.gif")
    assert (ended.code, ended.err.split(":")[0]) == (2, "unknown_picture")
    assert json.loads(ops("usage-report", "--picture", "usage.gif", "--json").out)["error"]["code"] == "unknown_picture"
