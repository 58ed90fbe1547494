"""Holds what Dezky's own containers are given to what their programs take: they are started with it."""

import json
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest
import yaml
from release import BINARY
from rendered import DOMAIN, FOLDER, REPOSITORY, SERVICES, environment_of
from running import on_loopback, running_binary

BLUEPRINTS = FOLDER / "../authentik/blueprints"


@pytest.mark.parametrize("service", ["dezky", "worker"])
def test_the_binary_starts_with_what_it_is_given(service: str, tmp_path: Path) -> None:
    environment = on_loopback(service, tmp_path)
    with running_binary(SERVICES[service]["command"], environment, tmp_path) as binary:
        binary.await_line("listening" if service == "dezky" else "working")
        address = environment["DEZKY_LISTEN" if service == "dezky" else "DEZKY_OPERATIONS_LISTEN"]
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=10) as answer:
            assert answer.status == 200
        # As the container engine ends it.
        assert binary.end(signal.SIGTERM) == 0, binary.written
    # All three are reached, and the one that does it says so.
    if service == "worker":
        systems = re.search(r"systems=\[(.*?)\]", binary.written)[1]
        assert {"identity", "mail", "files"} <= set(re.findall(r"\w+", systems.lower()))


@pytest.mark.parametrize("name", ["DEZKY_LISTN", "DEZKY_TASKS"])
def test_the_binary_refuses_what_it_does_not_take(name: str, tmp_path: Path) -> None:
    environment = on_loopback("dezky", tmp_path) | {name: "nonsense"}
    with running_binary(["serve"], environment, tmp_path) as binary:
        assert binary.wait() == 2
    assert name in binary.written


def test_commands_of_scripts_and_documents_exist() -> None:
    texts = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("bootstrap.sh", "README.md"))
    commands = set(re.findall(r"run --rm (?:--no-deps )?dezky ([a-z]+)", texts)) | {
        SERVICES[name]["command"][0] for name in ("dezky", "worker")
    }
    assert {"seed", "doctor", "serve", "worker"} <= commands
    for command in commands:
        subprocess.run([BINARY, command, "--help"], check=True, capture_output=True)


def test_the_portal_is_given_what_it_documents() -> None:
    table = [
        line
        for line in (REPOSITORY / "examples/portal/README.md").read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    documented, whole = set(), ""
    for name in re.findall(r"`(…?[A-Z_]+)`", " ".join(line.split("|")[1] for line in table)):
        # `…_TOKEN_URL` has the beginning of the name before it that was written out.
        whole = whole if name.startswith("…") else name
        documented.add(
            name if not name.startswith("…") else re.sub(r"(NUXT_OIDC_PROVIDERS_OIDC)_.*", rf"\1{name[1:]}", whole)
        )
    given = {
        name for name in environment_of("portal") if name.startswith(("NUXT_", "DEZKY_")) or name in {"HOST", "PORT"}
    }
    assert given <= documented
    # Those without which it does not start (server/plugins/1.settings.ts): a check that begins with `!name ||` lets
    # a setting be absent, and `NUXT_PAGE_RATE` has a default.
    settings = (REPOSITORY / "examples/portal/server/plugins/1.settings.ts").read_text(encoding="utf-8")
    needed = set(re.findall(r'check\((?!!\w).*"(NUXT_[A-Z_]+)", "', settings)) - {"NUXT_PAGE_RATE"}
    needed |= {f"NUXT_OIDC_PROVIDERS_OIDC_{name}" for name in re.findall(r'\["client\w+", "(CLIENT_\w+)"\]', settings)}
    assert len(needed) >= 6
    assert needed <= given


def test_the_portal_and_dezky_agree_on_their_addresses() -> None:
    portal, dezky = environment_of("portal"), environment_of("dezky")
    assert portal["NUXT_PORTAL_URL"] == dezky["DEZKY_PORTAL_URL"] == f"https://app.{DOMAIN}"
    assert dezky["DEZKY_PUBLIC_DOMAIN"] == DOMAIN
    assert portal["NUXT_DEZKY_API_URL"] == f"http://dezky:{dezky['DEZKY_LISTEN'].rsplit(':', 1)[1]}"
    assert portal["NUXT_OIDC_PROVIDERS_OIDC_CLIENT_ID"] == dezky["DEZKY_OIDC_AUDIENCE"]
    assert (
        portal["NUXT_OIDC_PROVIDERS_OIDC_OPEN_ID_CONFIGURATION"]
        == f"{dezky['DEZKY_OIDC_ISSUER']}.well-known/openid-configuration"
    )
    assert environment_of("worker").items() >= {
        (name, value)
        for name, value in dezky.items()
        if name not in {"DEZKY_TASKS", "DEZKY_TRUSTED_PROXIES", "DEZKY_COMPONENT"}
    }
    # Each task runs in one of the two.
    assert (dezky["DEZKY_TASKS"], environment_of("worker")["DEZKY_TASKS"]) == ("none", "all")


class Tagged(yaml.SafeLoader):
    """Reads blueprints, whose tags are of no interest here."""


Tagged.add_multi_constructor("!", lambda _, suffix, node: (suffix, getattr(node, "value", None)))


def test_blueprints_and_containers_agree() -> None:
    texts = [path.read_text(encoding="utf-8") for path in sorted(BLUEPRINTS.rglob("*.yaml"))]
    # Those that are applied.
    text = "\n".join(text for text in texts if "goauthentik.io/instantiate" not in text)
    entries = [entry for one in texts for entry in yaml.load(one, Tagged)["entries"]]

    def values(model: str, key: str) -> set:
        return {
            ({**entry["identifiers"], **entry.get("attrs", {})}).get(key)
            for entry in entries
            if entry["model"] == model
        }

    dezky, ocis = environment_of("dezky"), environment_of("ocis")
    assert set(re.findall(r"!Env \[?([A-Z_]+)", text)) <= set(environment_of("authentik-worker"))
    assert {dezky["DEZKY_SEED_GROUP"], dezky["DEZKY_PLATFORM_ADMIN_GROUP"]} <= values("authentik_core.group", "name")
    assert {dezky["DEZKY_OIDC_AUDIENCE"], ocis["WEB_OIDC_CLIENT_ID"]} == values(
        "authentik_providers_oauth2.oauth2provider", "client_id"
    )
    slugs = values("authentik_core.application", "slug")
    for issuer in (dezky["DEZKY_OIDC_ISSUER"], ocis["OCIS_OIDC_ISSUER"]):
        assert re.fullmatch(rf"https://auth\.{DOMAIN}/application/o/({'|'.join(slugs)})/", issuer)
    for scope in ocis["WEB_OIDC_SCOPE"].split():
        assert f"oauth2/scope-{scope}]" in text or scope == "groups"


def test_the_first_administrator_is_named_as_bootstrap_says() -> None:
    assert "username: owner" in (BLUEPRINTS / "local/owner.yaml").read_text(encoding="utf-8")
    assert "sign in as \\`owner\\`" in (FOLDER / "bootstrap.sh").read_text(encoding="utf-8")


def test_stalwart_finds_its_data_in_its_volume() -> None:
    path = json.loads((FOLDER / "stalwart/config.json").read_text(encoding="utf-8"))["path"]
    assert path in {volume["target"] for volume in SERVICES["stalwart"]["volumes"]}
