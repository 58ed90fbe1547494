"""Every use case as a person and as the system, over a store that a server has open at the same time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conftest import World
from dezky import (
    AppPasswordStatus,
    AppPasswordView,
    AuditActorKind,
    Conflict,
    Dezky,
    Forbidden,
    Invalid,
    MailboxStatus,
    MembershipRole,
    NotFound,
    Outcome,
    PreconditionFailed,
    Scope,
    TenantStatus,
    UserStatus,
    entity_tag,
    to_dict,
)


def test_a_persons_profile_is_what_the_server_answers(world: World, anna: Scope) -> None:
    profile = anna.me()
    answer = world.http("/users/me", "anna")
    assert entity_tag(profile) == answer.headers["etag"]
    assert profile.user.email == "anna@example.eu"
    assert profile.tenants[0].role is MembershipRole.MEMBER
    assert isinstance(profile.user.created_at, datetime)
    assert profile.user.created_at.tzinfo is not None
    told = answer.json()
    assert to_dict(profile)["user"]["id"] == told["user"]["id"]
    assert [tenant.slug for tenant in profile.tenants] == [tenant["slug"] for tenant in told["tenants"]]


def test_what_one_process_writes_the_other_reads_and_what_is_taken_away_is_gone_at_once_in_both(
    world: World, system: Scope, anna: Scope, fresh: str
) -> None:
    tenant = system.tenants.create(slug=fresh, name="Shared", status="active")
    person = world.people["anna"]["id"]
    system.members.grant(fresh, user_id=person)
    assert world.http(f"/tenants/{fresh}", "anna").json()["id"] == tenant.id
    assert anna.tenants.get(fresh).id == tenant.id
    system.members.revoke(fresh, person)
    assert world.http(f"/tenants/{fresh}", "anna").status_code == 404
    with pytest.raises(NotFound):
        anna.tenants.get(fresh)


def test_tenants_are_created_listed_changed_suspended_restored_and_deleted(system: Scope, fresh: str) -> None:
    created = system.tenants.create(
        slug=fresh,
        name="Acme",
        status=TenantStatus.ACTIVE,
        branding={"primary_color": "#123456", "launcher_links": [{"title": "Wiki", "url": "https://wiki.acme.eu/"}]},
        billing_info={"company": "Acme GmbH"},
    )
    assert system.tenants.get(fresh) == created
    assert created.branding is not None
    assert created.branding.launcher_links[0].url == "https://wiki.acme.eu/"
    assert system.tenants.update(fresh, name="Acme & Söhne").name == "Acme & Söhne"
    assert [tenant.slug for tenant in system.tenants.list(search="acme & s")] == [fresh]
    # What is not said stays, and `None` takes away.
    changed = system.tenants.update(fresh, billing_info=None)
    assert (changed.billing_info, changed.branding) == (None, created.branding)
    merged = system.tenants.update(fresh, branding={"accent_color": "#abcdef"})
    assert merged.branding is not None
    assert (merged.branding.primary_color, merged.branding.accent_color) == ("#123456", "#abcdef")
    assert system.tenants.suspend(fresh).status == TenantStatus.SUSPENDED
    assert system.tenants.restore(created.id).status == TenantStatus.ACTIVE
    system.tenants.delete(fresh)
    assert system.tenants.get(fresh).status == TenantStatus.DELETED


def test_members_are_granted_listed_changed_and_revoked(world: World, system: Scope, fresh: str) -> None:
    person = world.people["anna"]["id"]
    system.tenants.create(slug=fresh, name="People", status="active")
    assert system.members.grant(fresh, user_id=person, role="owner").role is MembershipRole.OWNER
    assert [member.user_id for member in system.members.list(fresh, role=MembershipRole.OWNER)] == [person]
    assert system.members.update(fresh, person, role="admin").role is MembershipRole.ADMIN
    assert system.members.get(fresh, person).role is MembershipRole.ADMIN
    system.members.revoke(fresh, person)
    assert list(system.members.list(fresh)) == []


def test_an_api_key_is_created_rotated_changed_and_revoked_and_shown_once(system: Scope, fresh: str) -> None:
    tenant = system.tenants.create(slug=fresh, name="Keys", status="active")
    made = system.api_keys.create(name="Report", tenant_id=tenant.id, scopes=["membership.read"])
    assert made.secret is not None
    assert made.secret.startswith(f"{made.prefix}_")
    rotated = system.api_keys.rotate(made.id, overlap_seconds=0)
    assert rotated.secret not in (None, made.secret)
    (listed,) = system.api_keys.list(tenant=fresh)
    assert (listed.id, listed.secret, listed.previous_until) == (made.id, None, None)
    changed = system.api_keys.update(made.id, scopes=["mailbox.read"], if_match=system.api_keys.get(made.id))
    assert changed.scopes == ("mailbox.read",)
    assert system.api_keys.get(made.id) == changed
    system.api_keys.delete(made.id)
    with pytest.raises(NotFound):
        system.api_keys.get(made.id)


def test_mailboxes_are_created_listed_changed_and_deleted_and_the_workspace_is_looked_at(
    world: World, system: Scope, anna: Scope, fresh: str
) -> None:
    person, domain = world.people["anna"]["id"], f"{fresh}.eu"
    tenant = system.tenants.create(
        slug=fresh,
        name="Mail",
        domains=[domain],
        domain_verifications=[{"name": domain, "verified_at": datetime(2026, 2, 1, tzinfo=UTC)}],
    )
    system.members.grant(fresh, user_id=person)
    mailbox = system.mailboxes.create(fresh, user_id=person, local_part="Anna", domain=domain, aliases=["info"])
    assert (mailbox.address, mailbox.aliases, mailbox.status) == (f"anna@{domain}", ("info",), MailboxStatus.ACTIVE)
    assert list(system.mailboxes.list(fresh, user_id=person)) == [mailbox]
    changed = system.mailboxes.update(fresh, mailbox.id, display_name="Anna", aliases=[], if_match=mailbox)
    assert (changed.display_name, changed.aliases) == ("Anna", ())
    assert system.mailboxes.get(fresh, mailbox.id) == changed
    with pytest.raises(PreconditionFailed):
        system.mailboxes.delete(fresh, mailbox.id, if_match=mailbox)
    # Only the member creates one, and there is no mail system here that could.
    assert list(system.app_passwords.list(fresh, mailbox.id)) == []
    with pytest.raises(Forbidden) as refused:
        system.app_passwords.create(fresh, mailbox.id, name="Phone")
    assert refused.value.code == "holder_required"
    with pytest.raises(Conflict) as unconfigured:
        anna.app_passwords.create(fresh, mailbox.id, name="Phone")
    assert unconfigured.value.code == "mail_not_configured"
    with pytest.raises(NotFound):
        anna.app_passwords.delete(fresh, mailbox.id, mailbox.id)
    assert list(anna.mailboxes.list(fresh, user_id=person)) == [changed]
    system.mailboxes.delete(fresh, mailbox.id)
    with pytest.raises(NotFound):
        system.mailboxes.get(fresh, mailbox.id)

    # Which systems there are, and how far they are, is the server's business.
    for workspace in (system.workspace.get(fresh), system.workspace.retry(fresh), system.workspace.check(fresh)):
        assert workspace.tenant_id == tenant.id
        assert isinstance(workspace.ready, bool)
        assert all(state.tenant_id == tenant.id for state in (*workspace.systems, *workspace.parts))
    system.members.revoke(fresh, person)


def test_a_secret_is_not_in_what_python_shows_of_a_document() -> None:
    now = datetime(2026, 2, 1, tzinfo=UTC)
    view = AppPasswordView(
        id="1",
        version=1,
        tenant_id="2",
        mailbox_id="3",
        user_id="4",
        name="Phone",
        status=AppPasswordStatus.ACTIVE,
        secret="app_1",
        created_at=now,
        updated_at=now,
    )
    assert "app_1" not in repr(view)
    assert "name='Phone'" in repr(view)
    assert view.secret == "app_1"


def test_users_and_subscriptions_are_created_listed_changed_and_deleted(system: Scope, fresh: str) -> None:
    user = system.users.create(authentik_subject_id=fresh, email=f"{fresh}@example.eu", name="Bea")
    assert list(system.users.list(email=f"{fresh}@")) == [user]
    until = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    changed = system.users.update(user.id, name="Beate", tokens_valid_after=until)
    assert (changed.name, changed.tokens_valid_after) == ("Beate", until)
    system.users.delete(user.id)
    erased = system.users.get(user.id)
    assert (erased.name, erased.status) == (None, UserStatus.DISABLED)

    tenant = system.tenants.create(slug=fresh, name="Paying")
    trial = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    subscription = system.subscriptions.create(tenant_id=tenant.id, seats=3, trial_ends_at=trial)
    assert subscription.trial_ends_at == trial
    assert system.subscriptions.update(subscription.id, seats=4).seats == 4
    assert system.subscriptions.get(subscription.id).version == 2
    assert [item.id for item in system.subscriptions.list(tenant_id=tenant.id)] == [subscription.id]
    system.subscriptions.delete(subscription.id)
    with pytest.raises(NotFound):
        system.subscriptions.get(subscription.id)


def test_the_audit_trail_names_the_system_actor(dezky: Dezky, fresh: str) -> None:
    report = dezky.as_system("nightly-report")
    before = datetime.now(UTC) - timedelta(minutes=1)
    report.tenants.create(slug=fresh, name="Audited")
    (event,) = report.audit.list(tenant=fresh, from_=before)
    assert (event.action, event.actor.kind, event.actor.name) == (
        "tenant.create",
        AuditActorKind.SYSTEM,
        "nightly-report",
    )
    assert list(report.audit.list(tenant=fresh, until=before)) == []


def test_lists_page_by_themselves_to_their_end(system: Scope, anna: Scope) -> None:
    slugs = [f"walked-{letter}" for letter in "abcde"]
    for slug in slugs:
        system.tenants.create(slug=slug, name=f"Walked {slug}")
    listing = system.tenants.list(search="walked", limit=2)
    assert [tenant.slug for tenant in listing] == slugs
    assert [tenant.slug for tenant in listing] == slugs, "each iteration begins anew"
    assert [len(page.items) for page in listing.pages()] == [2, 2, 1]
    first = listing.page()
    second = listing.page(first.next_cursor)
    assert [tenant.slug for tenant in (*first.items, *second.items)] == slugs[:4]
    later = system.tenants.list(search="walked", limit=2, cursor=first.next_cursor)
    assert [tenant.slug for tenant in later] == slugs[2:]
    assert [tenant.slug for tenant in anna.my_tenants.list()] == ["dezky"]


def test_a_change_of_a_version_that_is_not_the_current_one_is_refused(system: Scope, fresh: str) -> None:
    read = system.tenants.create(slug=fresh, name="One")
    changed = system.tenants.update(fresh, name="Two", if_match=read)
    with pytest.raises(PreconditionFailed):
        system.tenants.update(fresh, name="Three", if_match=read)
    system.tenants.update(fresh, name="Three", if_match=entity_tag(changed))
    with pytest.raises(PreconditionFailed):
        system.tenants.delete(fresh, if_match=changed)
    (listed,) = system.tenants.list(search="three")
    assert entity_tag(listed) is None
    with pytest.raises(Invalid):
        system.tenants.delete(fresh, if_match=listed)


def test_a_repeated_creation_with_one_key_has_one_effect(system: Scope, fresh: str) -> None:
    first = system.tenants.create(slug=fresh, name="Once", idempotency_key=fresh)
    assert system.tenants.create(slug=fresh, name="Once", idempotency_key=fresh) == first
    with pytest.raises(Conflict):
        system.tenants.create(slug=fresh, name="Once")
    with pytest.raises(Invalid):
        system.tenants.create(slug=fresh, name="Once", idempotency_key="a\nx-request-id: b")


def test_a_person_may_not_what_the_platform_may_and_a_system_actor_is_no_person(dezky: Dezky, anna: Scope) -> None:
    with pytest.raises(Forbidden):
        anna.tenants.create(slug="mine", name="Mine")
    with pytest.raises(Forbidden) as refused:
        dezky.as_system("test").me()
    assert refused.value.code == "person_required"
    for name in ("seed", "", "a b", "x" * 65):
        with pytest.raises(Invalid):
            dezky.as_system(name)
    with pytest.raises(Invalid):
        dezky.as_user("a\nb")


@pytest.mark.parametrize(
    "name", ["..", ".", "a/../../users/me", "dezky/members", "dezky?limit=1", "%2e%2e", "dezky#x", "ä"]
)
def test_a_place_in_a_path_is_a_name_and_no_path(system: Scope, name: str) -> None:
    with pytest.raises(NotFound):
        system.tenants.get(name)


def test_a_place_must_be_there(system: Scope) -> None:
    for name in ("", None):
        with pytest.raises(Invalid):
            system.tenants.get(name)  # type: ignore[arg-type]


def test_the_launcher_of_a_host_is_public(dezky: Dezky) -> None:
    assert dezky.launcher("dezky.dezky.test:8080").slug == "dezky"
    with pytest.raises(NotFound):
        dezky.launcher("nobody.dezky.test")


def test_rights_are_those_that_the_persons_calls_meet(world: World, system: Scope, anna: Scope, fresh: str) -> None:
    person = world.people["anna"]["id"]
    system.tenants.create(slug=fresh, name="Rights", status="active")
    hidden = {right.action: right for right in system.rights(person, fresh).rights}
    assert (hidden["tenant.read"].outcome, hidden["tenant.read"].reason) == (Outcome.HIDE, "not_found")
    system.members.grant(fresh, user_id=person, role="admin")
    rights = system.rights(person, fresh)
    assert (rights.role, rights.user_id) == (MembershipRole.ADMIN, person)
    told = {right.action: right for right in rights.rights}
    assert told["tenant.read"].outcome is Outcome.ALLOW
    assert told["tenant.read"].because == "granted to admin"
    assert told["tenant.delete"].reason == "platform_admin_required"
    assert "billingInfo" in told["tenant.update"].forbidden_fields
    anna.tenants.update(fresh, name="Changed")
    with pytest.raises(Forbidden) as refused:
        anna.tenants.update(fresh, billing_info={"company": "Anna"})
    assert [field.field for field in refused.value.fields] == ["billingInfo"]
    assert {right.action for right in system.rights(person).rights} & set(told) == set()
    with pytest.raises(Invalid):
        anna.rights(person, fresh)
    with pytest.raises(NotFound):
        system.rights(person, "nowhere")
