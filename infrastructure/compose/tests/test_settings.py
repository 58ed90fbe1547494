"""Holds what Dezky's own containers are given to what their programs take: they are started with it."""

import json
import os
import re
import socket
import subprocess
import threading
import urllib.request
from pathlib import Path

import pytest
import yaml
from rendered import DOMAIN, FOLDER, REPOSITORY, SERVICES, environment_of

BINARY = Path(os.environ["DEZKY_TEST_BINARY"])
BLUEPRINTS = FOLDER / "../authentik/blueprints"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def on_loopback(service: str, folder: Path) -> dict[str, str]:
    """The variables of a service, with what cannot be here replaced by what is the same on this machine."""
    given = environment_of(service)
    certificate = folder / "root.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=test", "-keyout", str(folder / "key.pem"), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    addresses = {name: given[name] for name in ("DEZKY_LISTEN", "DEZKY_OPERATIONS_LISTEN")}
    # From other containers.
    assert all(re.fullmatch(r"0\.0\.0\.0:\d{4}", address) for address in addresses.values())
    changed = {
        **{name: f"127.0.0.1:{free_port()}" for name in addresses},
        "DEZKY_EXTRA_CA_CERTS": str(certificate),
        # Nobody answers there, which does not prevent a start.
        "DEZKY_STORE": given["DEZKY_STORE"].replace("@mongodb:27017", f"@127.0.0.1:{free_port()}"),
        # Built and tested elsewhere; in the image at the path that is given.
        "DEZKY_COMPONENT": "",
    }
    assert set(changed) - {"DEZKY_COMPONENT"} <= set(given)
    assert changed["DEZKY_STORE"] != given["DEZKY_STORE"]
    return given | changed


def start(arguments: list[str], environment: dict[str, str], folder: Path) -> tuple[str, int]:
    """Starts the binary, asks it whether it lives, and ends it; gives what it wrote, and its exit code."""
    process = subprocess.Popen(
        [BINARY, *arguments],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)} | environment,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    written = []
    # Ends a program that neither starts nor stops.
    watch = threading.Timer(60, process.kill)
    watch.start()
    try:
        for line in process.stderr:
            written.append(line)
            if re.search(r"listening|working", line):
                address = environment["DEZKY_LISTEN" if arguments == ["serve"] else "DEZKY_OPERATIONS_LISTEN"]
                with urllib.request.urlopen(f"http://{address}/healthz", timeout=10) as answer:
                    assert answer.status == 200
                break
        process.terminate()
        written += process.stderr
    finally:
        watch.cancel()
        process.kill()
        process.wait()
    return "".join(written), process.returncode


@pytest.mark.parametrize("service", ["dezky", "worker"])
def test_the_binary_starts_with_what_it_is_given(service: str, tmp_path: Path) -> None:
    written, code = start(SERVICES[service]["command"], on_loopback(service, tmp_path), tmp_path)
    assert code == 0, written
    assert ("listening" if service == "dezky" else "working") in written, written
    # All three are reached, and the one that does it says so.
    if service == "worker":
        assert {"identity", "mail", "files"} <= set(
            re.findall(r"\w+", re.search(r"systems=\[(.*?)\]", written)[1].lower())
        )


@pytest.mark.parametrize("name", ["DEZKY_LISTN", "DEZKY_TASKS"])
def test_the_binary_refuses_what_it_does_not_take(name: str, tmp_path: Path) -> None:
    written, code = start(["serve"], on_loopback("dezky", tmp_path) | {name: "nonsense"}, tmp_path)
    assert code == 2
    assert name in written


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
    # Those without which it does not start (server/plugins/1.settings.ts).
    settings = (REPOSITORY / "examples/portal/server/plugins/1.settings.ts").read_text(encoding="utf-8")
    needed = set(re.findall(r'"(NUXT_[A-Z_]+)", "', settings)) - {"NUXT_PAGE_RATE"}
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
