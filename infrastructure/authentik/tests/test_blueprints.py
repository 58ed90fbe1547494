"""Promises of the blueprints, in every supported version of Authentik."""

import json
import re
import subprocess
import types
from urllib.parse import urlsplit

import pytest
from blueprint import BLUEPRINTS, NEWEST_KNOWN, REPOSITORY, VERSIONS, Applied, Importer, InvalidError, Tag, read
from release import BINARY

TEXTS = {name: path.read_text(encoding="utf-8") for name, path in BLUEPRINTS.items()}
ENVIRONMENT = {name: f"value of {name}" for text in TEXTS.values() for name in re.findall(r"!Env ([A-Z_]+)", text)}
ENVIRONMENT |= {"DEZKY_DOMAIN": "platform.test", "DEZKY_SCIM_URL": "https://api.platform.test/scim/v2/default"}
WITH_SECRETS = "2026.11.0-rc1"


def apply_all(version: str, **environment: str) -> list[Applied]:
    """All blueprints, in the order in which their names would be found."""
    importer = Importer(version, ENVIRONMENT | environment)
    for text in TEXTS.values():
        importer.apply(text)
    return importer.objects


def of(objects: list[Applied], model: str) -> list[dict]:
    return [one.values for one in objects if one.model.endswith(f".{model}")]


each_version = pytest.mark.parametrize("version", VERSIONS)


@each_version
@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_blueprint_applies_by_itself(name: str, version: str) -> None:
    assert Importer(version, ENVIRONMENT).apply(TEXTS[name])


@each_version
def test_all_apply_in_any_order_and_again(version: str) -> None:
    importer = Importer(version, ENVIRONMENT)
    for text in reversed(TEXTS.values()):
        importer.apply(text)
    before = {(one.model, json.dumps(one.values, sort_keys=True)) for one in importer.objects}
    importer.applied.clear()
    for text in TEXTS.values():
        importer.apply(text)
    assert {(one.model, json.dumps(one.values, sort_keys=True)) for one in importer.objects} == before


def test_fields_that_a_version_passes_over_are_those_that_another_has() -> None:
    passed = {
        version: {(one.model.split(".")[1], name) for one in apply_all(version) for name in one.unknown}
        for version in VERSIONS
    }
    before = {("oauth2provider", "secret"), ("scimprovider", "secret")}
    no_list = {("oauth2provider", "grant_types")}
    assert passed == {
        "2025.12.6": before | no_list,
        "2026.2.0": before | no_list,
        "2026.5.6": before,
        "2026.8.3": before,
        WITH_SECRETS: {("oauth2provider", "client_secret"), ("scimprovider", "token")},
    }


@each_version
def test_the_client_has_the_secret_that_the_portal_has(version: str) -> None:
    objects = apply_all(version)
    (portal,) = (one for one in of(objects, "oauth2provider") if one["client_type"] == "confidential")
    secrets = {one.key: one.values["value"] for one in objects if one.model == "authentik_secrets.secret"}
    given = secrets[portal["secret"]] if version == WITH_SECRETS else portal["client_secret"]
    assert given == ENVIRONMENT["DEZKY_PORTAL_CLIENT_SECRET"]
    assert bool(secrets) == (version == WITH_SECRETS)


def test_the_secret_has_the_name_that_an_upgrade_gives_it() -> None:
    # `_credential_values.py`: the name of the provider, and that of the field.
    assert {one["name"] for one in of(apply_all(WITH_SECRETS), "secret")} == {
        "dezky-portal client secret",
        "dezky-scim token",
    }


@each_version
def test_providers_give_tokens_that_dezky_takes(version: str) -> None:
    providers = of(apply_all(version), "oauth2provider")
    assert {one["client_id"] for one in providers} == {"dezky-portal", "ocis"}
    for one in providers:
        assert one["signing_key"]
        assert one["sub_mode"] == "user_uuid"
        assert one["issuer_mode"] == "per_provider"
        assert one["include_claims_in_id_token"] is True
        assert one["logout_method"] == "backchannel"
        assert set(one["grant_types"]) == {"authorization_code", "refresh_token"}
        # The scopes of the portal, `groups` among them.
        assert len(set(one["property_mappings"])) == 5
        assert None not in one["property_mappings"]
        minutes = re.fullmatch(r"minutes=(\d+)", one["access_token_validity"])
        assert int(minutes[1]) <= 10
        for address in [one["logout_uri"], *(uri["url"] for uri in one["redirect_uris"])]:
            assert re.fullmatch(r"https://(app|files)\.platform\.test/[a-z/_.-]*", address)
        assert {uri["matching_mode"] for uri in one["redirect_uris"]} == {"strict"}


@each_version
def test_every_provider_has_its_application(version: str) -> None:
    objects = apply_all(version)
    providers = {one.key for one in objects if one.model.endswith(".oauth2provider")}
    applications = of(objects, "application")
    assert {one["provider"] for one in applications if "provider" in one} == providers
    assert {one["slug"] for one in applications} == {"dezky-portal", "ocis"}


def test_addresses_of_the_portal_are_those_that_it_has() -> None:
    (portal,) = (one for one in of(apply_all(NEWEST_KNOWN), "oauth2provider") if one["client_id"] == "dezky-portal")
    readme = (REPOSITORY / "examples/portal/README.md").read_text(encoding="utf-8")
    for address in (portal["logout_uri"], portal["redirect_uris"][0]["url"]):
        assert f"<NUXT_PORTAL_URL>{address.removeprefix('https://app.platform.test')}" in readme


def test_the_scope_gives_the_names_of_groups() -> None:
    (mapping,) = of(apply_all(NEWEST_KNOWN), "scopemapping")
    assert mapping["scope_name"] == "groups"
    body = "def expression(request):\n" + "".join(f"    {line}\n" for line in mapping["expression"].splitlines())
    scope: dict = {}
    exec(body, scope)
    groups = types.SimpleNamespace(all=lambda: [types.SimpleNamespace(name=name) for name in ("dezky", "acme")])
    request = types.SimpleNamespace(user=types.SimpleNamespace(groups=groups))
    assert scope["expression"](request) == {"groups": ["dezky", "acme"]}


@each_version
def test_the_connector_has_the_rights_that_it_needs_and_no_others(version: str) -> None:
    source = (REPOSITORY / "core/src/connectors/authentik/check.rs").read_text(encoding="utf-8")
    lists = dict(re.findall(r"const (\w*RIGHTS): &\[[^=]*= &\[\n(.*?)\n\];", source, re.DOTALL))
    needed = {
        name: {".".join(pair) for pair in re.findall(r'\("(\w+)", "(\w+)", ', rows)} for name, rows in lists.items()
    }
    assert len(needed["RIGHTS"]) >= 20
    objects = apply_all(version)
    roles = {one.key: set(one.values["permissions"]) for one in objects if one.model.endswith(".role")}
    (account,) = (one for one in of(objects, "user") if one.get("type") == "service_account")
    held = set().union(*(roles[key] for key in account["roles"]))
    assert held == needed["RIGHTS"] | (needed["SECRET_RIGHTS"] if version == WITH_SECRETS else set())
    assert not {"groups", "is_superuser", "password"} & set(account)


@each_version
def test_the_token_is_the_accounts_and_does_not_end(version: str) -> None:
    objects = apply_all(version)
    (token,) = of(objects, "token")
    (account,) = (one for one in objects if one.values.get("username") == "dezky-connector")
    assert token["user"] == account.key
    assert token["key"] == ENVIRONMENT["DEZKY_CONNECTOR_TOKEN"]
    assert (token["intent"], token["expiring"]) == ("api", False)


def test_groups_give_no_right_and_name_no_members() -> None:
    groups = of(apply_all(NEWEST_KNOWN), "group")
    assert {one["name"] for one in groups} == {"dezky", "dezky-platform-admins"}
    for one in groups:
        assert one["is_superuser"] is False
        assert not {"users", "roles", "parents"} & set(one)


def test_the_first_administrator_is_made_once_and_only_on_a_laptop() -> None:
    people = [
        (name, entry)
        for name, text in TEXTS.items()
        for entry in read(text)["entries"]
        if entry["model"] == "authentik_core.user"
    ]
    (owner,) = ((name, entry) for name, entry in people if "password" in entry["attrs"])
    assert owner[0].startswith("local/")
    assert owner[1]["state"] == "created"
    assert len(owner[1]["attrs"]["groups"]) == 2


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_secret_comes_from_the_environment(name: str) -> None:
    for entry in read(TEXTS[name])["entries"]:
        for field, value in entry.get("attrs", {}).items():
            if field in {"client_secret", "key", "password", "token", "value"}:
                assert isinstance(value, Tag)
                assert value.name == "Env"


@pytest.mark.parametrize(
    "secret", ["DEZKY_PORTAL_CLIENT_SECRET", "DEZKY_CONNECTOR_TOKEN", "DEZKY_FIRST_PASSWORD", "DEZKY_SCIM_URL"]
)
def test_an_unset_secret_makes_a_blueprint_invalid_and_nothing_without_one(secret: str) -> None:
    with pytest.raises(InvalidError):
        apply_all(NEWEST_KNOWN, **{secret: ""})


@each_version
def test_scim_pushes_the_subjects_of_tokens_to_where_dezky_takes_them(version: str) -> None:
    paths = json.loads(subprocess.run([BINARY, "openapi"], check=True, capture_output=True, text=True).stdout)["paths"]
    objects = apply_all(version)
    (provider,) = of(objects, "scimprovider")
    served = {path.replace("{directory}", "default") for path in paths}
    path = urlsplit(provider["url"]).path
    assert {f"{path}/Users", f"{path}/Groups"} <= served
    # What `sub_mode: user_uuid` puts into tokens.
    (mapping,) = of(objects, "scimmapping")
    assert "user.uuid" in mapping["expression"]
    assert "externalId" in mapping["expression"]


def test_all_but_scim_are_applied_by_themselves() -> None:
    labels = {name: read(text)["metadata"].get("labels", {}) for name, text in TEXTS.items()}
    off = {name for name, found in labels.items() if found.get("blueprints.goauthentik.io/instantiate") == "false"}
    # Its token does not exist before Dezky runs.
    assert off == {"scim.yaml"}


# Each of these is refused, or the checks above would hold for anything.
BREAKS = {
    "a field that no version has": ("client_type: public", "client_type: public\n      audiences: [ocis]"),
    "a value that is not one of the list": ("sub_mode: user_uuid", "sub_mode: user_name"),
    "a model that is not there": ("authentik_core.application\n", "authentik_core.app\n"),
    "a flow that nobody makes": ("slug, default-provider-invalidation-flow", "slug, default-invalidation"),
    "an entry that comes later": ("provider: !KeyOf provider", "provider: !KeyOf application"),
    "a blueprint that is not there": ("name: Dezky - Portal", "name: Dezky - Door"),
    "a redirect without an address": (
        'url: !Format ["https://files.%s/", !Env DEZKY_DOMAIN]\n        - m',
        "redirect_uri_type: authorization\n        - m",
    ),
}


@pytest.mark.parametrize("what", BREAKS)
def test_what_authentik_would_refuse_is_refused_here(what: str) -> None:
    right, wrong = BREAKS[what]
    text = TEXTS["files.yaml"].replace(right, wrong, 1)
    assert text != TEXTS["files.yaml"]
    with pytest.raises(InvalidError):
        apply_strictly(text)


def apply_strictly(text: str) -> None:
    """Applies a blueprint in which no field may be unknown but those of other versions."""
    unknown = set().union(*(one.unknown for one in Importer(NEWEST_KNOWN, ENVIRONMENT).apply(text)))
    if unknown - {"secret", "grant_types", "client_secret"}:
        raise InvalidError(unknown)


def test_a_secret_object_without_its_condition_is_refused_before_2026_11() -> None:
    text = TEXTS["portal.yaml"].replace(
        "model: !If [!Context has_secrets, authentik_secrets.secret, authentik_core.group]",
        "model: authentik_secrets.secret",
    )
    with pytest.raises(InvalidError, match="no model"):
        Importer(NEWEST_KNOWN, ENVIRONMENT).apply(text)
    assert Importer(WITH_SECRETS, ENVIRONMENT).apply(text)
