"""Use as text: Markdown for people, CSV and JSON for programs."""

import csv
import io
from typing import Any

from ..access.text import harmless, plain, row_of
from ..portability.archive import timestamp
from .collect import Usage
from .series import Series

MEANING = (
    "Plans and states are those of today: a tenant that changed its plan counts for the new one from its "
    "beginning. A tenant counts "
    "from its creation to its deletion, a person from the first sign-in (or creation) to the erasure, seats "
    "while their "
    "subscription is not cancelled."
)


def series_of(usage: Usage) -> list[tuple[str, Series]]:
    """The series with their names."""
    return [("tenants", usage.tenants), ("people", usage.people), ("seats", usage.seats)]


def as_json(usage: Usage) -> dict[str, Any]:
    """For programs."""
    over_time = {name: {"total": series.total, "byKind": dict(series.by_kind)} for name, series in series_of(usage)}
    return {
        "since": timestamp(usage.since),
        "until": timestamp(usage.until),
        "interval": str(usage.interval),
        "at": [timestamp(at) for at in usage.tenants.at],
        **over_time,
        "tenantsByStatus": dict(usage.statuses),
        "subscriptionsByStatus": dict(usage.subscriptions),
        "largestTenants": [{"name": name, "members": members, "seats": seats} for name, members, seats in usage.sizes],
    }


def as_csv(usage: Usage) -> str:
    """For spreadsheets: a row for each time, number and kind."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(("at", "number", "kind", "value"))
    for name, series in series_of(usage):
        for kind, values in series.by_kind.items():
            writer.writerows(
                (timestamp(at), name, harmless(kind), value) for at, value in zip(series.at, values, strict=True)
            )
    return text.getvalue()


def as_markdown(usage: Usage) -> str:
    """For people."""
    lines = [
        "# Use of the platform",
        "",
        f"From {usage.since:%Y-%m-%d} to {usage.until:%Y-%m-%d %H:%M} UTC. {MEANING}",
        "",
    ]
    lines += [row_of(["", "at the beginning", "now", "change"]), row_of(["---", "--:", "--:", "--:"])]
    for name, series in series_of(usage):
        first, last = series.total[0], series.total[-1]
        lines.append(row_of([name, f"{first:,}", f"{last:,}", f"{last - first:+,}"]))
    lines += breakdown("Tenants by plan", {kind: values[-1] for kind, values in usage.tenants.by_kind.items()})
    lines += breakdown("Tenants by state", dict(usage.statuses.most_common()))
    lines += breakdown("Subscriptions by state", dict(usage.subscriptions.most_common()))
    lines += breakdown("Seats by plan", {kind: values[-1] for kind, values in usage.seats.by_kind.items()})
    if usage.sizes:
        lines += ["", "## Largest tenants", "", row_of(["tenant", "members", "seats"]), row_of(["---", "--:", "--:"])]
        lines += [row_of([plain(name), f"{members:,}", f"{seats:,}"]) for name, members, seats in usage.sizes]
    steps = list(zip(usage.tenants.at, usage.tenants.total, usage.people.total, usage.seats.total, strict=True))
    lines += [
        "",
        "## Over time",
        "",
        row_of(["until", "tenants", "people", "seats"]),
        row_of(["---", "--:", "--:", "--:"]),
    ]
    shape = "%Y-%m-%d %H:%M" if usage.interval == "hour" else "%Y-%m-%d"
    lines += [
        row_of([f"{at:{shape}}", f"{tenants:,}", f"{people:,}", f"{seats:,}"]) for at, tenants, people, seats in steps
    ]
    return "\n".join(lines) + "\n"


def breakdown(title: str, numbers: dict[str, int]) -> list[str]:
    """A small table of numbers by kind."""
    if not numbers:
        return []
    head = ["", f"## {title}", "", row_of(["", "number"]), row_of(["---", "--:"])]
    return head + [row_of([plain(kind), f"{number:,}"]) for kind, number in numbers.items()]
