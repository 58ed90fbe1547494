"""Importing: all or nothing is checked first, each line is told of, and what was broken off goes on."""

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from conftest import Ops, opened
from dezky import DezkyError, DomainVerification, Scope, TenantStatus, Unavailable

from dezky_ops.failure import Exit, Failure
from dezky_ops.importing import carry_out, make_plan, open_source


def written(path: Path, *rows: str, heading: str = "slug,name,plan,domains,billingInfo.vatId,authentikGroup") -> Path:
    """A CSV file."""
    path.write_text("\n".join((heading, *rows)) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Three good rows."""
    return written(
        tmp_path / "tenants.csv",
        "acme,Acme GmbH,business,acme.example www.acme.example,DE 123456789,acme",
        "baeckerei,Bäckerei Lindner,,,,",
        '"gamma","Gamma, Inc.",starter,,,gamma',
    )


def slugs(store: str) -> list[str]:
    """The tenants of a store."""
    with opened(store) as scope:
        return [tenant.slug for tenant in scope.tenants.list()]


def test_each_row_becomes_a_tenant(ops: Ops, store: str, file: Path) -> None:
    ended = ops("import-tenants", file, "--json", "--as", "migration")
    assert ended.code == 0, ended.err
    *rows, summary = ended.lines
    assert [(row["line"], row["slug"], row["result"]) for row in rows] == [
        (2, "acme", "created"),
        (3, "baeckerei", "created"),
        (4, "gamma", "created"),
    ]
    assert summary == {"summary": {"created": 3}}
    with opened(store) as scope:
        acme = scope.tenants.get(rows[0]["id"])
        assert (acme.slug, acme.plan, acme.authentik_group) == ("acme", "business", "acme")
        assert set(acme.domains) == {"acme.example", "www.acme.example"}
        assert acme.billing_info is not None
        assert acme.billing_info.vat_id == "DE123456789"
        assert {event.actor.name for event in scope.audit.list(action="tenant.create")} == {"migration"}


def test_json_is_the_body_of_the_api(ops: Ops, store: str) -> None:
    tenant = {
        "slug": "acme",
        "name": "Acme",
        "status": "active",
        "branding": {"launcherLinks": [{"title": "Mail", "url": "https://mail.example"}]},
    }
    ended = ops("import-tenants", "-", "--format", "json", stdin=json.dumps([tenant]))
    assert ended.code == 0, ended.err
    with opened(store) as scope:
        acme = scope.tenants.get("acme")
        assert acme.status == TenantStatus.ACTIVE
        assert acme.branding is not None
        assert [link.title for link in acme.branding.launcher_links] == ["Mail"]


def test_nothing_is_written_when_one_row_is_wrong(ops: Ops, store: str, tmp_path: Path) -> None:
    with opened(store) as scope:
        scope.tenants.create(slug="taken-group", name="X", authentik_group="theirs")
        scope.tenants.create(slug="gone", name="Gone", authentik_group="gone-group")
        scope.tenants.delete("gone")
    file = written(
        tmp_path / "tenants.csv",
        "good,Good,,,,",
        "admin,Reserved,,,,",
        "Bad Slug,Bad,,not a domain,DE1,",
        "good,Twice,,,,",
        "one,One,,,,same",
        "two,Two,,,,same",
        "gone,Deleted,,,,",
        "thief,Thief,,,,theirs",
        "heir,Heir,,,,gone-group",
        "short,Short",
    )
    ended = ops("import-tenants", file, "--json")
    assert ended.code == 2
    *problems, failure = ended.lines
    assert failure["error"]["code"] == "invalid_file"
    found = {(problem["line"], problem["field"], problem["code"]) for problem in problems}
    assert found == {
        (3, "slug", "reserved"),
        (4, "slug", "invalid_slug"),
        (4, "domains[0]", "invalid_domain"),
        (4, "domains[1]", "invalid_domain"),
        (4, "domains[2]", "invalid_domain"),
        (4, "billingInfo.vatId", "invalid_vat_id"),
        (5, "slug", "duplicate_in_file"),
        (7, "authentikGroup", "duplicate_in_file"),
        (8, "slug", "slug_reserved"),
        (9, "authentikGroup", "held_by_another_tenant"),
        (10, "authentikGroup", "held_by_another_tenant"),
        (11, "", "wrong_number_of_cells"),
    }
    assert [problem["line"] for problem in problems] == sorted(problem["line"] for problem in problems)
    assert slugs(store) == ["taken-group"]


def test_a_domain_that_another_has_proved_is_refused_also_one_of_a_deleted_tenant_whose_data_are_there(
    ops: Ops, store: str
) -> None:
    proved = {"name": "proved.example", "verifiedAt": "2026-01-01T00:00:00Z"}
    left = {**proved, "name": "left.example"}
    with opened(store) as scope:
        for slug, domain in (("holder", proved), ("leaver", left)):
            verifications = [DomainVerification(name=domain["name"], verified_at=datetime(2026, 1, 1, tzinfo=UTC))]
            scope.tenants.create(slug=slug, name=slug, domains=[domain["name"]], domain_verifications=verifications)
        scope.tenants.delete("leaver")

    def row(slug: str, domain: dict[str, str]) -> str:
        return json.dumps({"slug": slug, "name": slug, "domains": [domain["name"]], "domainVerifications": [domain]})

    refused = ops("import-tenants", "-", "--format", "json", "--json", stdin=row("thief", proved) + row("heir", left))
    found = [(problem["line"], problem["code"]) for problem in refused.lines[:-1]]
    assert found == [(1, "held_by_another_tenant")] * 2
    twice = ops(
        "import-tenants", "-", "--format", "json", "--json", stdin=row("one", proved) + "\n" + row("two", proved)
    )
    assert (2, "domainVerifications", "duplicate_in_file") in {
        (p["line"], p["field"], p["code"]) for p in twice.lines[:-1]
    }


def test_a_person_is_told_what_to_change(ops: Ops, store: str, tmp_path: Path) -> None:
    ended = ops("import-tenants", written(tmp_path / "tenants.csv", "x,,,,,"))
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.splitlines() == [
        "invalid_file: nothing was written: 2 problems in the file",
        "  line 2: slug: must have 2 to 63 characters",
        "  line 2: name: this field is required",
    ]
    assert store


def test_unknown_members_of_json_are_named(ops: Ops, store: str) -> None:
    ended = ops(
        "import-tenants",
        "-",
        "--format",
        "json",
        "--json",
        stdin='{"slug": "acme", "name": "A", "idempotencyKey": "x"}',
    )
    assert ended.code == 2
    assert (ended.lines[0]["field"], ended.lines[0]["code"]) == ("idempotencyKey", "unknown_field")
    assert store


def test_a_dry_run_tells_and_writes_nothing(ops: Ops, store: str, file: Path) -> None:
    ended = ops("import-tenants", file, "--dry-run", "--json")
    assert ended.code == 0
    assert ended.lines[-1] == {"summary": {"would_create": 3}}
    assert slugs(store) == []


def test_a_second_import_finds_everything_done(ops: Ops, store: str, file: Path) -> None:
    assert ops("import-tenants", file).code == 0
    ended = ops("import-tenants", file, "--json")
    assert ended.lines[-1] == {"summary": {"unchanged": 3}}
    with opened(store) as scope:
        assert {tenant.version for tenant in scope.tenants.list()} == {1}


def test_a_tenant_that_is_there_otherwise_is_refused_skipped_or_updated(ops: Ops, store: str, file: Path) -> None:
    assert ops("import-tenants", file).code == 0
    with opened(store) as scope:
        scope.tenants.update("acme", name="Other", billing_info={"company": "Stays"})
    refused = ops("import-tenants", file, "--json")
    assert refused.code == 2
    assert (refused.lines[0]["line"], refused.lines[0]["field"], refused.lines[0]["code"]) == (
        2,
        "name",
        "exists_differently",
    )
    skipped = ops("import-tenants", file, "--existing", "skip", "--json")
    assert skipped.lines[-1] == {"summary": {"unchanged": 2, "skipped": 1}}
    would = ops("import-tenants", file, "--existing", "update", "--dry-run", "--json")
    assert would.lines[-1] == {"summary": {"would_update": 1, "unchanged": 2}}
    updated = ops("import-tenants", file, "--existing", "update", "--json")
    assert updated.lines[-1] == {"summary": {"unchanged": 2, "updated": 1}}
    with opened(store) as scope:
        acme = scope.tenants.get("acme")
        assert acme.name == "Acme GmbH"
        assert acme.billing_info is not None
        assert (acme.billing_info.company, acme.billing_info.vat_id) == ("Stays", "DE123456789")


def test_a_report_has_every_line(ops: Ops, store: str, file: Path, tmp_path: Path) -> None:
    assert store
    report = tmp_path / "report.csv"
    assert ops("import-tenants", file, "--report", report).code == 0
    with report.open(newline="") as opened_report:
        rows = list(csv.DictReader(opened_report))
    assert [(row["line"], row["slug"], row["result"]) for row in rows] == [
        ("2", "acme", "created"),
        ("3", "baeckerei", "created"),
        ("4", "gamma", "created"),
    ]
    assert all(len(row["id"]) == 24 for row in rows)


def test_a_tenant_that_somebody_makes_meanwhile_fails_alone(store: str, file: Path) -> None:
    with opened(store) as scope, open_source(file) as source:
        plan = make_plan(scope, source)
        scope.tenants.create(slug="baeckerei", name="Somebody else's")
        results = {result.slug: (result.result, result.code) for result in carry_out(scope, source, plan)}
    assert results == {"acme": ("created", None), "baeckerei": ("failed", "slug_taken"), "gamma": ("created", None)}


class Outage:
    """A scope whose store does not answer for the first calls; the first of them is carried out all the same, and only its
    answer is lost."""

    def __init__(self, scope: Scope, failures: int) -> None:
        self._scope = scope
        self._failures = failures
        self.tenants = scope.tenants

    def each(self, method: Any, calls: Any, *, concurrency: int) -> Iterator[Any]:
        assert concurrency > 1
        for call in calls:
            if self._failures:
                self._failures -= 1
                if call["slug"] == "acme" and self._failures == 4:
                    method(**call)
                yield Unavailable("the store does not answer", code="store_unavailable", status=503, retry_after=2)
                continue
            try:
                yield method(**call)
            except DezkyError as error:
                yield error


def test_an_outage_is_waited_for_and_nothing_is_done_twice(store: str, file: Path) -> None:
    waits: list[float] = []
    with opened(store) as scope, open_source(file) as source:
        plan = make_plan(scope, source)
        outage = cast(Scope, Outage(scope, failures=5))
        results = [(result.slug, result.result) for result in carry_out(outage, source, plan, waits.append)]
        assert sum(1 for _ in scope.audit.list(action="tenant.create")) == 3
    assert sorted(results) == [("acme", "created"), ("baeckerei", "created"), ("gamma", "created")]
    assert waits == [2, 2]


def test_a_long_outage_ends_the_import_and_says_how_it_goes_on(store: str, file: Path) -> None:
    waits: list[float] = []
    with opened(store) as scope, open_source(file) as source:
        plan = make_plan(scope, source)
        outage = cast(Scope, Outage(scope, failures=10_000))
        with pytest.raises(Failure, match="3 rows are not written yet: run the same command again") as failed:
            list(carry_out(outage, source, plan, waits.append))
    assert failed.value.exit_code is Exit.UNAVAILABLE
    assert 1 <= len(waits) < 10


def test_a_killed_import_goes_on(ops: Ops, store: str, tmp_path: Path) -> None:
    number = 4_000
    file = written(tmp_path / "many.csv", *(f"tenant-{row},Tenant {row},,,," for row in range(number)))
    process = subprocess.Popen(
        [sys.executable, "-m", "dezky_ops", "import-tenants", str(file), "--json"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    for _ in range(50):
        assert json.loads(process.stdout.readline())["result"] == "created"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    there = len(slugs(store))
    assert 50 <= there < number
    ended = ops("import-tenants", file, "--json")
    assert ended.code == 0, ended.err
    assert ended.lines[-1] == {"summary": {"created": number - there, "unchanged": there}}
    with opened(store) as scope:
        created = [event.resource.id for event in scope.audit.list(action="tenant.create")]
    assert len(created) == len(set(created)) == number
