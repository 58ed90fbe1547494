"""The access report says what the platform does, and why."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Demo, Ops, opened
from dezky import DezkyError, Forbidden, NotFound, Scope
from PIL import Image

from dezky_ops.access import draw, of_person
from dezky_ops.access.text import harmless, plain
from dezky_ops.people import find_person


def decisions(ops: Ops, *arguments: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Outcome and reason by address and action."""
    ended = ops("access-report", *arguments, "--json")
    assert ended.code == 0, ended.err
    return {(row["email"], row["action"]): (row["outcome"], row["reason"]) for row in ended.json["rights"]}


CALLS: dict[str, Callable[[Scope, str], Any]] = {
    "tenant.read": lambda person, slug: person.tenants.get(slug),
    "membership.read": lambda person, slug: person.members.list(slug).page(),
    "audit.read_tenant": lambda person, slug: person.audit.list(tenant=slug).page(),
    "tenant.update": lambda person, slug: person.tenants.update(slug, name="As the report says"),
    "tenant.suspend": lambda person, slug: person.tenants.suspend(slug),
    "tenant.restore": lambda person, slug: person.tenants.restore(slug),
}


EXPECTED = {"allow": type(None), "refuse": Forbidden, "hide": NotFound}


@pytest.mark.parametrize("suspended", [False, True])
def test_the_api_does_what_the_report_says(ops: Ops, demo: Demo, suspended: bool) -> None:
    """Every kind of person tries what the report says of them, and gets that answer."""
    slug = demo.largest
    if suspended:
        with opened(demo.store) as scope:
            scope.tenants.suspend(slug)
    said = decisions(ops, "--tenant", slug)
    tried = 0
    with demo.open() as platform:
        for kind in ("owner", "admin", "member", "platform-admin"):
            token = demo.platform.token_file(kind).read_text().strip()
            person = platform.as_user(token)
            email = person.me().user.email
            for action, call in CALLS.items():
                outcome, reason = said[email or "", action]
                answer: DezkyError | None = None
                try:
                    call(person, slug)
                except DezkyError as error:
                    answer = error
                assert isinstance(answer, EXPECTED[outcome]), (kind, action, outcome, reason, answer)
                scope = platform.as_system("test")
                # As it was, for the next one.
                (scope.tenants.suspend if suspended else scope.tenants.restore)(slug)
                tried += 1
    assert tried == 4 * len(CALLS)


def test_reasons_are_those_of_the_policy(ops: Ops, demo: Demo) -> None:
    slug = demo.largest
    roles = {one.email: one.role for one in demo.estate.employments if one.slug == slug}
    said = decisions(ops, "--tenant", slug)
    for email, role in roles.items():
        if demo.estate.people[email].disabled:
            assert said[email, "tenant.read"] == ("refuse", "user_disabled")
            continue
        assert said[email, "tenant.read"] == ("allow", "granted")
        assert said[email, "tenant.delete"] == ("refuse", "platform_admin_required")
        assert said[email, "tenant.update"][0] == ("refuse" if role == "member" else "allow")
    admins = [person.email for person in demo.estate.people.values() if person.platform_admin]
    assert {email for email, _ in said} == {*roles, *admins}
    assert all(said[admin, "tenant.delete"] == ("allow", "granted") for admin in admins)


def test_a_person_sees_their_tenants(ops: Ops, demo: Demo) -> None:
    memberships: dict[str, list[str]] = {}
    for one in demo.estate.employments:
        memberships.setdefault(one.email, []).append(one.slug)
    email = next(email for email, slugs in memberships.items() if len(slugs) == 2)
    rows = ops("access-report", "--person", email, "--json").json["rights"]
    assert {row["tenant"] for row in rows} == {None, *memberships[email]}
    assert {row["email"] for row in rows} == {email}


def test_the_whole_platform_is_reported(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    picture = tmp_path / "access.png"
    ended = ops("access-report", "--format", "csv", "--picture", picture)
    assert ended.code == 0, ended.err
    rows = list(csv.DictReader(io.StringIO(ended.out)))
    members = {(row["tenant"], row["email"], row["accessAs"]) for row in rows if row["tenant"]}
    assert {(tenant, email) for tenant, email, _ in members} == {
        (one.slug, one.email) for one in demo.estate.employments
    }
    with Image.open(picture) as image:
        assert image.width == 1575


def test_markdown_and_picture_of_a_tenant(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    text, picture = tmp_path / "access.md", tmp_path / "access.svg"
    ended = ops("access-report", "--tenant", demo.largest, "--output", text, "--picture", picture)
    assert (ended.code, ended.out) == (0, "")
    report = text.read_text()
    assert "only administrators of the platform may (`platform_admin_required`)" in report
    members = {one.email for one in demo.estate.employments if one.slug == demo.largest}
    admins = {person.email for person in demo.estate.people.values() if person.platform_admin}
    assert {email for email in demo.estate.people if f"| {email} |" in report} == members | admins
    assert "tenant.suspend" in picture.read_text()


def test_every_cell_of_a_picture_stands_under_its_action(demo: Demo) -> None:
    """The platform has other actions than a tenant, and a person's picture shows both."""
    memberships = {one.email for one in demo.estate.employments if one.role == "member"}
    email = next(email for email in sorted(memberships) if not demo.estate.people[email].disabled)
    with opened(demo.store) as scope:
        report = of_person(scope, find_person(scope, email))
    (axes,) = draw(report).axes
    actions = [label.get_text() for label in axes.get_xticklabels()]
    rows = [label.get_text() for label in axes.get_yticklabels()]
    marks = {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in axes.texts}
    assert len(actions) == len(set(actions))
    assert len(rows) == len(report.accesses) == 2
    for row, access in enumerate(report.accesses):
        of_row = {actions[column]: mark for (at, column), mark in marks.items() if at == row}
        shown = {right.action: right.outcome == "allow" for right in access.rights if right.outcome != "hide"}
        assert {action: mark in ("✓", "◐") for action, mark in of_row.items()} == shown


def test_nothing_is_changed(ops: Ops, demo: Demo) -> None:
    with opened(demo.store) as scope:
        before = sum(1 for _ in scope.audit.list())
    assert ops("access-report").code == 0
    with opened(demo.store) as scope:
        assert sum(1 for _ in scope.audit.list()) == before


def test_names_are_texts_and_nothing_else(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    """People choose their names: they must be no formula in a spreadsheet, no markup and no mathematics."""
    name = "=HYPERLINK(1) | <b> $x^$ $"
    with opened(demo.store) as scope:
        user = scope.users.create(authentik_subject_id="eve", email="eve@eve.example", name=name)
        scope.members.grant(demo.largest, user_id=user.id)
    picture = tmp_path / "access.svg"
    ended = ops("access-report", "--tenant", demo.largest, "--format", "csv", "--picture", picture)
    assert ended.code == 0, ended.err
    assert {row["name"] for row in csv.DictReader(io.StringIO(ended.out)) if row["email"] == "eve@eve.example"} == {
        f"'{name}"
    }
    assert "=HYPERLINK(1) \\| \\<b\\> $x^$ $" in ops("access-report", "--tenant", demo.largest).out
    assert "$x^$" in picture.read_text()


def test_signs_lose_their_meaning() -> None:
    assert harmless("+49 30") == "'+49 30"
    assert harmless(3) == 3
    assert plain("a|b`c") == "a\\|b\\`c"


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        (("--tenant", "nothing"), 3, "tenant_not_found"),
        (("--person", "nobody@x.example"), 3, "person_not_found"),
        (("--tenant", "a", "--person", "b"), 2, "two_subjects"),
        (("--picture", "x.bmp"), 2, "unknown_picture"),
    ],
)
def test_what_cannot_be_reported_is_said(
    ops: Ops, demo: Demo, arguments: tuple[str, ...], code: int, name: str
) -> None:
    assert demo
    ended = ops("access-report", *arguments)
    assert (ended.code, ended.err.split(":")[0]) == (code, name)
