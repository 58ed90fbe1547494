"""The demonstration estate: the same for the same seed, whole, and gone on with when it was broken off."""

import json
from pathlib import Path

import jwt
import pytest
from conftest import Demo, Ops, opened
from dezky import Dezky, SubscriptionStatus

from dezky_ops.demo import load, make_estate
from dezky_ops.demo.estate import Estate, slug_of
from dezky_ops.demo.platform import typical_people


def test_the_same_numbers_make_the_same_estate() -> None:
    assert make_estate(20, 300, seed=5) == make_estate(20, 300, seed=5)
    assert make_estate(20, 300, seed=5) != make_estate(20, 300, seed=6)


@pytest.mark.parametrize(("companies", "people"), [(1, 1), (3, 3), (25, 500), (4_000, 5_000), (2, 40_000)])
def test_an_estate_has_the_size_that_was_chosen(companies: int, people: int) -> None:
    estate = make_estate(companies, people)
    assert len({company.slug for company in estate.companies}) == companies
    assert sum(not person.platform_admin for person in estate.people.values()) == people
    owners = [employment for employment in estate.employments if employment.role == "owner"]
    assert sorted(owner.slug for owner in owners) == sorted(company.slug for company in estate.companies)
    assert all(email.endswith(".example") for email in estate.people)


def test_names_become_labels() -> None:
    assert slug_of("Bäckerei Groß GmbH") == "baeckerei-gross"
    assert slug_of("Łukasz & Söner AB") == "lukasz-soener"


def test_what_is_loaded_is_the_estate(ops: Ops, store: str) -> None:
    ended = ops("load-demo", "--tenants", 8, "--people", 60, "--seed", 4, "--json")
    assert ended.code == 0, ended.err
    estate = make_estate(8, 60, seed=4)
    assert ended.json["tenants"] == 8
    with opened(store) as scope:
        tenants = {tenant.slug: tenant for tenant in scope.tenants.list()}
        assert {slug: (tenant.name, tenant.status) for slug, tenant in tenants.items()} == {
            company.slug: (company.name, company.status) for company in estate.companies
        }
        for slug, tenant in tenants.items():
            members = {member.email: member.role for member in scope.members.list(tenant.id)}
            assert members == {one.email: one.role for one in estate.employments if one.slug == slug}
        seats = {subscription.tenant_id: subscription.seats for subscription in scope.subscriptions.list()}
        assert seats == {tenants[company.slug].id: company.seats for company in estate.companies}
        admins = [user.email for user in scope.users.list() if user.platform_admin]
        assert sorted(admins, key=str) == [person.email for person in estate.people.values() if person.platform_admin]
        actors = {event.actor.name for event in scope.audit.list()}
        assert actors == {"operator"}


def test_loading_again_changes_nothing(ops: Ops, store: str) -> None:
    assert store
    first = ops("load-demo", "--tenants", 5, "--people", 20, "--json").json
    again = ops("load-demo", "--tenants", 5, "--people", 20, "--json").json
    assert first["present"] == 0
    assert again["present"] == sum(first[name] for name in ("tenants", "people", "memberships", "subscriptions"))
    assert not any(again[name] for name in ("tenants", "people", "memberships", "subscriptions"))


def test_a_load_that_was_broken_off_goes_on(tmp_path: Path) -> None:
    estate = make_estate(5, 40, seed=9)
    half = Estate(estate.companies[:3], dict(list(estate.people.items())[:10]))
    with opened(f"sqlite:{tmp_path / 'dezky.sqlite'}") as scope:
        load(scope, half)
        loaded = load(scope, estate)
        assert (loaded.tenants, loaded.people) == (2, len(estate.people) - 10)
        assert loaded.memberships == len(estate.employments)
        assert sum(1 for _ in scope.subscriptions.list(status=SubscriptionStatus.CANCELLED)) == 0


def test_a_store_with_tenants_of_others_is_left_alone(ops: Ops, store: str) -> None:
    with opened(store) as scope:
        scope.tenants.create(slug="customer", name="A customer")
    ended = ops("load-demo", "--tenants", 2, "--people", 2)
    assert ended.code == 6
    assert "customer" in ended.err
    with opened(store) as scope:
        assert [tenant.slug for tenant in scope.tenants.list()] == ["customer"]
    assert ops("load-demo", "--tenants", 2, "--people", 2, "--yes").code == 0


def test_a_dry_run_writes_nothing(ops: Ops, tmp_path: Path) -> None:
    ended = ops("load-demo", "--platform", tmp_path / "demo", "--dry-run", "--json")
    assert ended.code == 0
    assert ended.json["tenants"] == 25
    assert not (tmp_path / "demo").exists()


def test_a_platform_of_its_own_can_be_called_with_its_tokens(ops: Ops, tmp_path: Path) -> None:
    ended = ops("load-demo", "--platform", tmp_path / "demo", "--tenants", 4, "--people", 30, "--json")
    assert ended.code == 0, ended.err
    said = ended.json
    tokens = {name: Path(token["file"]).read_text().strip() for name, token in said["tokens"].items()}
    with Dezky.open(config=said["settings"], environment=False, log="off") as platform:
        for name, token in tokens.items():
            assert token not in ended.out
            me = platform.as_user(token).me()
            assert me.user.email == said["tokens"][name]["email"]
            assert me.user.platform_admin == (name == "platform-admin")
            assert [tenant.role for tenant in me.tenants][:1] == ([] if name == "platform-admin" else [name])
    private = [tmp_path / "demo" / "issuer-key.pem", *(tmp_path / "demo" / "tokens").iterdir()]
    assert {file.stat().st_mode & 0o777 for file in private} == {0o600}


def test_tokens_are_renewed_and_the_key_stays(ops: Ops, demo: Demo) -> None:
    file = demo.platform.token_file("owner")
    key = (demo.platform.folder / "issuer-key.pem").read_bytes()
    before = file.read_text()
    assert ops("load-demo", "--platform", demo.platform.folder, "--tenants", 6, "--people", 60, "--seed", 2).code == 0
    assert file.read_text() != before
    assert (demo.platform.folder / "issuer-key.pem").read_bytes() == key
    claims = jwt.decode(file.read_text().strip(), options={"verify_signature": False})
    assert claims["sub"] == typical_people(demo.estate)["owner"].subject


def test_fewer_people_than_companies_are_refused(ops: Ops, store: str) -> None:
    assert store
    ended = ops("load-demo", "--tenants", 5, "--people", 4, "--json")
    assert ended.code == 2
    assert json.loads(ended.out)["error"]["code"] == "too_few_people"
