"""Revocation: over at once, everywhere, and proven by the person's own token."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Demo, Ops, opened
from dezky import Forbidden, InvalidToken, MembershipView, NotFound, TenantView, UserStatus

from dezky_ops import revocation
from dezky_ops.people import find_person


def email_of(demo: Demo, role: str) -> str:
    """Whose token that is."""
    with demo.open() as platform:
        token = demo.platform.token_file(role).read_text().strip()
        return platform.as_user(token).me().user.email or ""


@pytest.mark.parametrize("role", ["owner", "admin", "member", "platform-admin"])
def test_the_very_token_is_refused_afterwards(ops: Ops, demo: Demo, role: str) -> None:
    email, file = email_of(demo, role), demo.platform.token_file(role)
    ended = ops("revoke", email, "--yes", "--token-file", file, "--json", "--as", "security")
    assert ended.code == 0, ended.err
    proof = ended.json
    assert proof["proven"]
    checks = {check["check"]: check for check in proof["checks"]}
    assert checks["GET /tenants with the token"]["before"] == "allowed"
    assert checks["GET /tenants with the token"]["after"] == "401 token_revoked"
    assert checks["GET /users/me with the token"]["after"] == "401 token_revoked"
    assert checks["actions that the policy allows"]["after"].startswith("0 of ")
    assert not checks["actions that the policy allows"]["before"].startswith("0 of ")
    assert {event["action"] for event in proof["auditEvents"]} >= {"user.update"}
    with demo.open() as platform:
        person = platform.as_user(file.read_text().strip())
        with pytest.raises(InvalidToken):
            person.me()
        with pytest.raises(Forbidden, match="disabled"):
            platform.as_user(demo.platform.sign(demo.estate.people[email], after())).me()
        scope = platform.as_system("test")
        user = scope.users.get(proof["userId"])
        assert (user.status, user.platform_admin, user.tenant_ids) == (UserStatus.DISABLED, False, ())


def after() -> datetime:
    """A moment after the revocation, within what clocks may differ by: a token that was issued later."""
    return datetime.now(UTC) + timedelta(seconds=20)


def test_every_membership_goes_and_none_comes_back(ops: Ops, demo: Demo) -> None:
    memberships: dict[str, list[str]] = {}
    for one in demo.estate.employments:
        memberships.setdefault(one.email, []).append(one.slug)
    email = next(email for email, slugs in memberships.items() if len(slugs) == 2)
    ended = ops("revoke", email, "--yes", "--json")
    assert sorted(ended.json["revoked"]) == sorted(memberships[email])
    with opened(demo.store) as scope:
        user = find_person(scope, email)
        scope.users.update(user.id, status="active")
        for slug in memberships[email]:
            with pytest.raises(NotFound):
                scope.members.get(slug, user.id)


def test_a_second_revocation_proves_the_same(ops: Ops, demo: Demo) -> None:
    email = email_of(demo, "member")
    assert ops("revoke", email, "--yes").code == 0
    again = ops("revoke", email, "--yes", "--json", "--token-file", demo.platform.token_file("member"))
    assert (again.code, again.json["proven"], again.json["revoked"]) == (0, True, [])


def test_the_last_owner_can_be_revoked(ops: Ops, demo: Demo) -> None:
    assert ops("revoke", email_of(demo, "owner"), "--yes").code == 0


def test_a_dry_run_says_what_and_changes_nothing(ops: Ops, demo: Demo) -> None:
    email = email_of(demo, "admin")
    ended = ops("revoke", email, "--dry-run", "--json")
    assert ended.code == 0
    assert demo.largest in ended.json["tenants"]
    with opened(demo.store) as scope:
        assert find_person(scope, email).status == UserStatus.ACTIVE


def test_it_asks_before_and_needs_a_word_where_nobody_can_be_asked(ops: Ops, demo: Demo) -> None:
    email = email_of(demo, "admin")
    ended = ops("revoke", email)
    assert ended.code == 6
    assert "--yes" in ended.err
    with opened(demo.store) as scope:
        assert find_person(scope, email).status == UserStatus.ACTIVE


def test_a_token_of_somebody_else_proves_nothing(ops: Ops, demo: Demo) -> None:
    email = email_of(demo, "admin")
    ended = ops("revoke", email, "--yes", "--token-file", demo.platform.token_file("member"))
    assert (ended.code, ended.err.split(":")[0]) == (2, "token_of_another")
    with opened(demo.store) as scope:
        assert find_person(scope, email).status == UserStatus.ACTIVE


def test_no_token_is_ever_shown(ops: Ops, demo: Demo, tmp_path: Path) -> None:
    token = demo.platform.token_file("admin").read_text().strip()
    broken = tmp_path / "broken.token"
    broken.write_text(f"{token}x")
    email = email_of(demo, "admin")
    for arguments in (
        ("--token-file", broken),
        ("--token-file", demo.platform.token_file("admin")),
        ("--token-file", "-"),
    ):
        ended = ops("revoke", email, "--yes", *arguments, stdin=token)
        for part in token.split("."):
            assert part not in ended.out + ended.err


def test_what_does_not_hold_is_said_with_an_exit_code(ops: Ops, demo: Demo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proof that could not fail would be none: here the account is left as it is."""
    monkeypatch.setattr(revocation, "disable", lambda *_: None)
    ended = ops("revoke", email_of(demo, "admin"), "--yes", "--token-file", demo.platform.token_file("admin"), "--json")
    assert ended.code == 1
    assert not ended.json["proven"]
    failed = {check["check"] for check in ended.json["checks"] if not check["holds"]}
    assert {"account", "actions that the policy allows", "GET /users/me with the token"} <= failed
    assert "not_proven" in ended.err


def test_a_person_in_more_tenants_than_their_document_names_loses_them_all(ops: Ops, demo: Demo) -> None:
    email = email_of(demo, "member")
    with opened(demo.store) as scope:
        user = find_person(scope, email)
        made = scope.each(scope.tenants.create, ({"slug": f"many-{number}", "name": "Many"} for number in range(120)))
        calls = [{"tenant": tenant.id, "user_id": user.id} for tenant in made if isinstance(tenant, TenantView)]
        granted = scope.each(scope.members.grant, calls)
        assert all(isinstance(membership, MembershipView) for membership in granted)
        assert len(scope.users.get(user.id).tenant_ids) == 100
    ended = ops("revoke", email, "--yes", "--json")
    assert (ended.code, ended.json["proven"]) == (0, True)
    assert len(ended.json["revoked"]) == 121
    with opened(demo.store) as scope:
        assert scope.users.get(user.id).tenant_ids == ()
