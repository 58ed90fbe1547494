"""Stores that tests work on."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dezky import Dezky
from dezky._native import test_kit  # type: ignore[attr-defined] # only builds for tests have it

from dezky_ops.demo import Estate, load, make_estate

BEGINNING = datetime(2025, 6, 3, 9, 30, tzinfo=UTC)


@contextmanager
def at_time(store: str, now: datetime) -> Iterator[Dezky]:
    """A platform whose clock stands still; only builds for tests have this."""
    options = {"store": store, "environment": False, "log": "off"}
    with Dezky(test_kit.open_at(json.dumps(options), milliseconds(now))) as platform:
        yield platform


def milliseconds(moment: datetime) -> int:
    """As the clock is set."""
    return int(moment.timestamp() * 1_000)


def grow(store: str, months: int = 17, companies: int = 60, people: int = 900) -> datetime:
    """A platform that has grown month by month: companies come, a few leave. When it ended."""
    estate = make_estate(companies, people, seed=3)
    by_company: dict[str, list[int]] = {}
    for number, employment in enumerate(estate.employments):
        by_company.setdefault(employment.slug, []).append(number)
    with at_time(store, BEGINNING) as platform:
        scope = platform.as_system("growth")
        now = BEGINNING
        for month in range(months):
            now = BEGINNING + timedelta(days=30.4 * month)
            test_kit.set_time(milliseconds(now))
            # Faster in the beginning and the end than between.
            share = ((month + 1) / months) ** 1.6
            load(scope, first_of(estate, max(1, int(companies * share))))
            if month in (7, 11, 14):
                slug = estate.companies[month - 5].slug
                scope.tenants.delete(slug)
                estate = without(estate, slug)
    return now + timedelta(days=12)


def first_of(estate: Estate, number: int) -> Estate:
    """The first companies of an estate with their people."""
    companies = estate.companies[:number]
    slugs = {company.slug for company in companies}
    employments = [employment for employment in estate.employments if employment.slug in slugs]
    emails = {employment.email for employment in employments}
    people = {email: person for email, person in estate.people.items() if email in emails or person.platform_admin}
    return Estate(companies, people, employments)


def without(estate: Estate, slug: str) -> Estate:
    """The same estate without a company that has left."""
    return Estate(
        [company for company in estate.companies if company.slug != slug],
        estate.people,
        [employment for employment in estate.employments if employment.slug != slug],
    )


def sqlite(folder: Path) -> str:
    """The location of a new store."""
    return f"sqlite:{folder / 'dezky.sqlite'}"
