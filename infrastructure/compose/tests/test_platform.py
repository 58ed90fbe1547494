"""Promises of the platform, derived from its files."""

import itertools
import re

import pytest
from rendered import (
    DOMAIN,
    FOLDER,
    NETWORKS,
    PLATFORM,
    SECRETS,
    SERVICES,
    SOURCE,
    canary,
    environment_of,
    hosts,
    members,
    render,
    rules,
)

GIB = 1024**3
# Ours, and what stands before everything.
LOCKED = {"dezky", "worker", "portal", "traefik"}
DATABASES = re.compile(r"/(mongo|postgres|zulip-postgresql|redis|memcached|rabbitmq):")
# Rules for hosts of tenants, with what stands between their slug and the domain.
WILDCARDS = {"tenants": "", "organisations": "chat."}
BOOTSTRAP = (FOLDER / "bootstrap.sh").read_text(encoding="utf-8")


def each_service(function):
    return pytest.mark.parametrize("name", sorted(SERVICES))(function)


# --- Hosts ---


def test_rules_aliases_and_the_list_of_hosts_are_of_the_same_names() -> None:
    names = {f"{name}.{DOMAIN}": service for name, (service, _) in hosts().items()}
    routers = {name: router for name, router in rules()["http"]["routers"].items() if name not in WILDCARDS}
    assert {
        re.fullmatch(r"Host\(`([^`]+)`\)", router["rule"])[1]: router["service"] for router in routers.values()
    } == names
    for network, settings in SERVICES["traefik"]["networks"].items():
        assert set(settings["aliases"]) == set(names), network


@pytest.mark.parametrize(("router", "between"), WILDCARDS.items())
def test_wildcards_of_the_certificate_cover_every_host_and_every_tenant(router: str, between: str) -> None:
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in hosts())
    assert f'"*.{between}$domain"' in re.search(r"^ *mkcert -cert-file .*$", BOOTSTRAP, re.MULTILINE)[0]
    rule = rules()["http"]["routers"][router]
    expression = re.fullmatch(r"HostRegexp\(`(.*)`\)", rule["rule"])[1]
    domain = f"{between}{DOMAIN}"
    assert re.search(expression, f"acme.{domain}")
    for other in (
        domain,
        f"a.b.{domain}",
        f"acme.{domain}.evil.test",
        f"acme{domain}",
        f"acme.{domain.replace('.', 'x')}",
    ):
        # `chat.…` is a name of one label, which has a rule of its own.
        assert other == f"chat.{DOMAIN}" or not re.search(expression, other), other
    # Any other rule wins, as Traefik orders rules without a priority by their length.
    assert rule["priority"] == 1


def test_each_host_reaches_a_service_that_shares_a_network_with_traefik() -> None:
    services = rules()["http"]["services"]
    for name, (service, profile) in hosts().items():
        if service == "api@internal":
            continue
        (server,) = services[service]["loadBalancer"]["servers"]
        assert re.fullmatch(rf"http://{service}:\d+", server["url"])
        assert set(SERVICES[service]["networks"]) & set(SERVICES["traefik"]["networks"]), name
        assert SERVICES[service].get("profiles", []) == ([profile] if profile else [])
    assert set(services) == {service for service, _ in hosts().values()} - {"api@internal"}


def test_no_other_host_of_the_domain_is_named_anywhere() -> None:
    texts = [
        SOURCE,
        (FOLDER / "ocis/csp.yaml").read_text(encoding="utf-8"),
        *(path.read_text(encoding="utf-8") for path in (FOLDER / "../authentik/blueprints").rglob("*.yaml")),
    ]
    named = {name for text in texts for name in re.findall(r"([a-z0-9-]+)\.(?:\$\{DEZKY_DOMAIN|%s)", text)}
    named |= set(re.findall(r"wait_for \"[^\"]*\" (\w+) /", BOOTSTRAP))
    assert {"auth", "app", "api"} <= named <= set(hosts())


def test_the_dashboard_and_nothing_else_is_traefiks_own() -> None:
    assert [name for name, (service, _) in hosts().items() if service.endswith("@internal")] == ["traefik"]
    assert "insecure" not in (FOLDER / "traefik/traefik.yaml").read_text(encoding="utf-8")


# --- Images ---


@each_service
def test_an_image_has_a_fixed_tag_and_a_variable_for_its_digest(name: str) -> None:
    if "build" in SERVICES[name]:
        # Made here of others, which are pinned in its place.
        assert name == "dezky"
        assert re.findall(r"^(?:FROM|COPY --from=)\S+", SERVICES[name]["build"]["dockerfile_inline"], re.MULTILINE)
        return
    repository, tag = re.fullmatch(r"(.+/[^:/]+):([^:@]+)", SERVICES[name]["image"]).groups()
    if not repository.startswith("localhost/"):
        assert re.search(r"\d", tag), "no version"
        assert tag not in {"latest", "stable"}
    variables = sorted(set(re.findall(r"\$\{([A-Z_]+_DIGEST):\+@\}", SOURCE)))
    digests = {variable: f"sha256:{number:064x}" for number, variable in enumerate(variables)}
    pinned = render(**digests)["services"][name]["image"]
    assert pinned.startswith(f"{SERVICES[name]['image']}@sha256:")


def test_one_digest_is_that_of_one_image() -> None:
    pairs = set(re.findall(r"image: (\S+?):\S*\$\{([A-Z_]+_DIGEST):\+@\}\$\{\2:-\}", SOURCE))
    assert len(pairs) == len({repository for repository, _ in pairs}) == len({digest for _, digest in pairs})
    # That of the component is made of two that have one.
    assert len(re.findall(r"^ +image:", SOURCE, re.MULTILINE)) - 1 == len(
        re.findall(r"^ +image: .*\$\{[A-Z_]+_DIGEST:-\}$", SOURCE, re.MULTILINE)
    )


def test_the_component_and_its_host_are_pinned_together() -> None:
    digest = f"sha256:{1:064x}"
    build = render(DEZKY_DIGEST=digest, DEZKY_COMPONENT_DIGEST=digest)["services"]["dezky"]["build"][
        "dockerfile_inline"
    ]
    host, component = build.strip().splitlines()
    assert re.fullmatch(rf"FROM localhost/dezky/dezky:latest@{digest}", host)
    copied = re.fullmatch(rf"COPY --from=localhost/dezky/component:latest@{digest} /dezky_wasm\.wasm (\S+)", component)
    assert f"{copied[1]}dezky_wasm.wasm" == environment_of("dezky")["DEZKY_COMPONENT"]


# --- Memory ---


def test_everything_together_fits_into_16_gb_and_the_standard_profile_into_what_is_asked_for() -> None:
    limits = {name: int(service["mem_limit"]) for name, service in SERVICES.items()}
    assert sum(limits.values()) <= 16_000_000_000
    standard = sum(limit for name, limit in limits.items() if "profiles" not in SERVICES[name])
    wanted = int(re.search(r"^WANTED_MEMORY=(\d+)$", BOOTSTRAP, re.MULTILINE)[1])
    # `docker info` counts less than was given to a virtual machine.
    assert standard <= wanted * GIB


# --- Secrets ---


def test_no_secret_stands_in_a_file() -> None:
    secret = re.compile(r"PASSWORD|SECRET|TOKEN(?!_VERIFY_METHOD)|_KEY$|RECOVERY_ADMIN$|^password$", re.IGNORECASE)
    for name in SERVICES:
        for variable, value in environment_of(name).items():
            if secret.search(variable) and not variable.endswith("_FILE") and value:
                assert "canary-" in value, f"{name}: {variable}"
    for line in SOURCE.splitlines():
        assert not re.search(r"://[^/\s$]*:[^/\s$@]+@", line), line


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_reaches_who_needs_it(secret: str) -> None:
    holders = {name for name in SERVICES if any(canary(secret) in value for value in environment_of(name).values())}
    files = [name for name, value in PLATFORM["secrets"].items() if value["environment"] == secret]
    holders |= {
        name for name, service in SERVICES.items() for given in service.get("secrets", []) if given["source"] in files
    }
    assert holders, "nobody has it"
    # Services that share a secret talk to each other, or are of one program.
    for one, other in itertools.combinations(sorted(holders), 2):
        same_program = SERVICES[one]["image"] == SERVICES[other]["image"] or {one, other} == {"dezky", "worker"}
        # Members of a meeting's machinery find each other through its XMPP server; Authentik's worker brings what blueprints need.
        by_others = {one, other} & {"authentik-worker", "jitsi-prosody"}
        assert same_program or by_others or related(one, other), f"{one} and {other}"


@each_service
def test_variables_that_a_command_reads_are_given(name: str) -> None:
    service = SERVICES[name]
    texts = [
        *(service.get("command") or []),
        *(service.get("entrypoint") or []),
        *service.get("healthcheck", {}).get("test", []),
    ]
    texts += [
        (FOLDER / "mongodb" / file).read_text(encoding="utf-8")
        for file in ("users.js", "primary.js")
        if name == "mongodb"
    ]
    read = set(re.findall(r"(?:\$\$?|process\.env\.)([A-Z][A-Z0-9_]+)", " ".join(texts)))
    assert read - {"HOSTNAME"} <= set(environment_of(name))


def test_what_may_stand_in_env_is_documented() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", readme))
    optional = set(re.findall(r"\$\{([A-Z][A-Z0-9_]*):?-", SOURCE)) | set(
        re.findall(r"value (DEZKY_[A-Z_]+)", BOOTSTRAP)
    )
    assert {name for name in optional if not name.endswith("_DIGEST")} <= documented
    # Those in the texts about signing in.
    assert {name for name in documented if name.endswith("_PASSWORD")} <= set(SECRETS)


# --- Order of start ---


@each_service
def test_what_is_waited_for_is_healthy_first(name: str) -> None:
    for dependency, settings in SERVICES[name].get("depends_on", {}).items():
        healthy = "healthcheck" in SERVICES[dependency]
        assert settings["condition"] == ("service_healthy" if healthy else "service_started"), dependency


@each_service
def test_a_service_waits_for_those_whose_names_it_is_given(name: str) -> None:
    # Collabora is told who may ask it, which is not whom it asks.
    allowed = {("collabora", "collaboration")}
    for other in named_by(name):
        assert (name, other) in allowed or other in dependencies(name), other


def test_what_publishes_a_host_is_healthy_or_waited_for_by_bootstrap() -> None:
    asked = set(re.findall(r"wait_for \"[^\"]*\" (\w+) /", BOOTSTRAP))
    for host, (service, _) in hosts().items():
        assert service == "api@internal" or "healthcheck" in SERVICES[service] or host in asked, host


def test_bootstrap_starts_services_that_exist_and_then_all_others() -> None:
    stages = re.findall(r"^start \"[^\"]+\"(.*)$", BOOTSTRAP, re.MULTILINE)
    named = " ".join(stages).split()
    assert set(named) <= set(SERVICES)
    assert len(named) == len(set(named))
    assert stages[-1] == ""
    assert set(named) == {name for name, service in SERVICES.items() if "profiles" not in service}
    for position, stage in enumerate(stages):
        later = set(" ".join(stages[position + 1 :]).split())
        for service in stage.split():
            assert not dependencies(service) & later, f"{service} would start what comes later"


# --- Networks ---


def named_by(name: str) -> set[str]:
    """The services at which something is asked, by what a service is given."""
    found = set()
    for variable, value in environment_of(name).items():
        found |= {
            other
            for other in SERVICES
            if re.search(rf"(?<![\w.-]){other}:\d|@{other}[:/]|http://{other}(?![\w.-])", value)
        }
        found |= {value} & set(SERVICES) if variable.endswith("_HOST") else set()
    return found - {name}


def dependencies(name: str) -> set[str]:
    """The services that a service waits for, directly or not."""
    direct = set(SERVICES[name].get("depends_on", {}))
    return direct.union(*map(dependencies, direct))


def related(one: str, other: str) -> bool:
    """True if one is told the other's name, or a host that is routed to it."""
    routes = {f"{name}.{DOMAIN}": service for name, (service, _) in hosts().items()}

    def knows(a: str, b: str) -> bool:
        given = " ".join(environment_of(a).values())
        return b in named_by(a) or any(service == b and host in given for host, service in routes.items())

    return knows(one, other) or knows(other, one)


@pytest.mark.parametrize("network", sorted(set(NETWORKS)))
def test_a_network_connects_those_who_talk_to_each_other(network: str) -> None:
    there = members(network)
    assert there
    if NETWORKS[network].get("internal") and any(DATABASES.search(SERVICES[name]["image"]) for name in there):
        databases = {name for name in there if DATABASES.search(SERVICES[name]["image"])}
        for client in there - databases:
            assert databases & named_by(client), f"{client} uses no database of {network}"
        return
    for one, other in itertools.combinations(sorted(there - {"traefik"}), 2):
        # Members of a meeting's machinery find each other through its XMPP server.
        assert related(one, other) or network == "meetings", f"{one} and {other}"


@each_service
def test_a_database_is_on_internal_networks_and_publishes_nothing(name: str) -> None:
    if DATABASES.search(SERVICES[name]["image"]):
        assert all(NETWORKS[network].get("internal") for network in SERVICES[name]["networks"])
        assert "ports" not in SERVICES[name]


@each_service
def test_ports_are_published_to_this_machine_alone(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port["host_ip"] == "127.0.0.1"
    assert "ports" not in SERVICES[name] or name in {"traefik", "stalwart", "jitsi-jvb"}


# --- Rights ---


@each_service
def test_no_service_may_more_than_it_says_why(name: str) -> None:
    service = SERVICES[name]
    # Collabora builds jails for documents.
    assert name == "collabora" or "no-new-privileges:true" in service["security_opt"]
    assert service.get("cap_add", []) == (["MKNOD"] if name == "collabora" else [])
    assert not {"privileged", "network_mode", "pid", "ipc", "devices", "userns_mode"} & set(service)
    assert int(service["pids_limit"]) <= 1024
    assert service["logging"]["options"]["max-size"]
    assert service["restart"] == "unless-stopped"
    for volume in service.get("volumes", []):
        assert "docker.sock" not in volume["source"]
        if volume["type"] == "bind":
            assert volume["read_only"], volume["source"]
            # A missing file would become a folder of root's.
            assert "create_host_path" not in volume["bind"]


@pytest.mark.parametrize("name", sorted(LOCKED))
def test_what_is_ours_is_locked(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"]
    assert not service["user"].startswith(("0", "root"))


def test_the_key_is_traefiks_and_the_authority_everybodys_who_calls_a_host() -> None:
    sources = {name: [volume["source"] for volume in service.get("volumes", [])] for name, service in SERVICES.items()}
    assert [name for name, found in sources.items() if any(source.endswith("certs/tls") for source in found)] == [
        "traefik"
    ]
    assert not any(source.endswith(("certs", "compose")) for found in sources.values() for source in found)
    hosts_called = {
        name for name in SERVICES if re.search(rf"https://[a-z]+\.{DOMAIN}/?", " ".join(environment_of(name).values()))
    }
    # Those that only tell browsers of a host.
    browsers = {"stalwart", "jitsi-web", "jitsi-prosody", "jitsi-jicofo", "jitsi-jvb", "collabora"}
    for name in hosts_called - browsers:
        assert any(source.endswith("certs/ca") for source in sources[name]), name
        assert any("/etc/dezky/ca" in value for value in environment_of(name).values()), name
        assert set(SERVICES[name]["networks"]) & set(SERVICES["traefik"]["networks"]), name


def test_every_volume_and_network_is_used() -> None:
    used = {
        volume["source"]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
        if volume["type"] == "volume"
    }
    assert used == set(PLATFORM["volumes"])
    assert {network for service in SERVICES.values() for network in service["networks"]} == set(NETWORKS)
