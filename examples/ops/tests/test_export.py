"""Archives: everything of whom they are about, nothing of others, and explained."""

import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Demo, Ops, opened
from dezky import MailboxView, Scope

from dezky_ops.people import find_person
from dezky_ops.portability.archive import DamagedArchiveError, read_archive


def documents(path: Path, name: str) -> list[Any]:
    """The documents of a file of an archive."""
    with zipfile.ZipFile(path) as archive:
        text = archive.read(name).decode()
    return [json.loads(text)] if name.endswith(".json") else [json.loads(line) for line in text.splitlines()]


def add_mailbox(scope: Scope, slug: str) -> MailboxView:
    """A mailbox of a member at a verified domain."""
    domain = f"{slug}.example"
    scope.tenants.update(
        slug,
        domains=[domain],
        domain_verifications=[{"name": domain, "verified_at": datetime(2026, 2, 1, tzinfo=UTC)}],
    )
    member = next(iter(scope.members.list(slug)))
    return scope.mailboxes.create(slug, user_id=member.user_id, local_part="office", domain=domain)


def test_a_tenant_is_exported_whole(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    slug = demo.largest
    target = tmp_path / "out.zip"
    with opened(demo.store) as scope:
        add_mailbox(scope, slug)
    ended = ops("export-tenant", slug, "--output", target, "--json", "--as", "records")
    assert ended.code == 0, ended.err
    assert target.stat().st_mode & 0o777 == 0o600
    manifest = read_archive(target)
    assert (manifest["kind"], manifest["by"], manifest["format"]) == ("tenant", "records", "dezky-export")
    emails = {one.email for one in demo.estate.employments if one.slug == slug}
    (tenant,) = documents(target, "tenant.json")
    assert (tenant["slug"], tenant["id"]) == (slug, manifest["id"])
    assert {member["email"] for member in documents(target, "members.jsonl")} == emails
    assert {person["email"] for person in documents(target, "people.jsonl")} == emails
    (subscription,) = documents(target, "subscriptions.jsonl")
    assert subscription["tenantId"] == tenant["id"]
    (mailbox,) = documents(target, "mailboxes.jsonl")
    assert mailbox["address"] == f"office@{slug}.example"
    events = documents(target, "audit.jsonl")
    # Those of the demonstration, and two more for the domain and the mailbox.
    assert len(events) == len(emails) + 4
    with zipfile.ZipFile(target) as archive:
        readme = archive.read("README.md").decode()
        assert slug in readme
        assert all(f"`{entry['name']}`" in readme for entry in manifest["files"] if entry["name"] != "README.md")


def test_a_tenant_learns_nothing_of_other_tenants(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    """Some of its people are in other tenants too, and none of that is in the archive."""
    slug = demo.largest
    target = tmp_path / "out.zip"
    assert ops("export-tenant", slug, "--output", target).code == 0
    with opened(demo.store) as scope:
        others = [tenant for tenant in scope.tenants.list() if tenant.slug != slug]
    with zipfile.ZipFile(target) as archive:
        everything = b"".join(archive.read(name) for name in archive.namelist()).decode()
    for tenant in others:
        assert tenant.id not in everything
    assert "platformAdmin" not in everything
    assert "tenantIds" not in everything


def test_a_person_is_exported_whole(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    memberships: dict[str, list[str]] = {}
    for one in demo.estate.employments:
        memberships.setdefault(one.email, []).append(one.slug)
    email = next(email for email, slugs in memberships.items() if len(slugs) == 2)
    with opened(demo.store) as scope:
        user = find_person(scope, email)
    with demo.open() as platform:
        token = demo.platform.sign(demo.estate.people[email])
        platform.as_user(token).me()
    target = tmp_path / "person.zip"
    ended = ops("export-tenant", "--person", f"demo/{user.authentik_subject_id}", "--output", target)
    assert ended.code == 0, ended.err
    manifest = read_archive(target)
    assert (manifest["kind"], manifest["id"]) == ("person", user.id)
    (exported,) = documents(target, "user.json")
    assert exported["email"] == email
    held = documents(target, "memberships.jsonl")
    assert sorted(member["tenant"]["slug"] for member in held) == sorted(memberships[email])
    about = documents(target, "audit-about.jsonl")
    assert {event["action"] for event in about} == {"user.create", "membership.grant"}
    assert len(about) == 3


def test_the_mailboxes_of_a_person_are_in_their_archive(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    with opened(demo.store) as scope:
        mailbox = add_mailbox(scope, demo.largest)
    target = tmp_path / "person.zip"
    assert ops("export-tenant", "--person", mailbox.user_id, "--output", target).code == 0
    (exported,) = documents(target, "mailboxes.jsonl")
    assert exported["id"] == mailbox.id


def test_what_a_person_did_is_in_their_archive(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    slug, email = next(
        (one.slug, one.email) for one in demo.estate.employments if one.role == "owner" and one.slug == demo.largest
    )
    with demo.open() as platform:
        platform.as_user(demo.platform.sign(demo.estate.people[email])).tenants.update(slug, name="Renamed")
    target = tmp_path / "person.zip"
    assert ops("export-tenant", "--person", email, "--output", target).code == 0
    (event,) = documents(target, "audit-by.jsonl")
    assert (event["action"], event["changedFields"]) == ("tenant.update", ["name"])


def test_a_file_that_is_there_is_not_written_over(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    target = tmp_path / "out.zip"
    target.write_text("precious")
    ended = ops("export-tenant", demo.largest, "--output", target)
    assert ended.code == 4
    assert target.read_text() == "precious"
    assert ops("export-tenant", demo.largest, "--output", target, "--force").code == 0
    assert read_archive(target)


def test_a_dry_run_counts_and_writes_nothing(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    ended = ops("export-tenant", demo.largest, "--dry-run", "--json")
    assert ended.code == 0
    assert ended.json["archive"] is None
    assert {entry["name"] for entry in ended.json["files"]} >= {"tenant.json", "members.jsonl"}
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "code", "name"),
    [
        (("nobody",), 3, "tenant_not_found"),
        (("--person", "nobody@nowhere.example"), 3, "person_not_found"),
        (("--person", "0123456789abcdef01234567"), 3, "person_not_found"),
        (("--person", "nobody"), 2, "invalid_person"),
        ((), 2, "nothing_named"),
    ],
)
def test_nobody_is_no_archive(
    ops: Ops, demo: Demo, tmp_path: Path, arguments: tuple[str, ...], code: int, name: str
) -> None:
    assert demo
    ended = ops("export-tenant", *arguments)
    assert (ended.code, ended.err.split(":")[0]) == (code, name)
    assert not list(tmp_path.glob("*.zip"))


def test_an_address_that_two_have_names_neither(ops: Ops, demo: Demo) -> None:
    with opened(demo.store) as scope:
        for subject in ("one", "two"):
            scope.users.create(authentik_subject_id=subject, email="same@same.example")
    ended = ops("export-tenant", "--person", "Same@Same.example")
    assert ended.code == 4
    assert "default/one" in ended.err
    assert "default/two" in ended.err


def test_a_failure_leaves_no_file(ops: Ops, demo: Demo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dezky_ops.portability import tenant

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device", "out.zip")

    monkeypatch.setattr(tenant, "people_of", broken)
    ended = ops("export-tenant", demo.largest, "--output", tmp_path / "out.zip")
    assert ended.code == 1
    assert ended.err.startswith("no_space: `out.zip`: ")
    assert not [file for file in tmp_path.iterdir() if "out.zip" in file.name]


def test_an_archive_that_was_changed_is_noticed(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    target, changed = tmp_path / "out.zip", tmp_path / "changed.zip"
    assert ops("export-tenant", demo.largest, "--output", target).code == 0
    with zipfile.ZipFile(target) as archive, zipfile.ZipFile(changed, "w") as copy:
        for name in archive.namelist():
            copy.writestr(name, archive.read(name).replace(b"owner", b"admin"))
    with pytest.raises(DamagedArchiveError, match="was changed"):
        read_archive(changed)
