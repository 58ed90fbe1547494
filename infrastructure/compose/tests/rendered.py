"""The platform as Docker Compose understands it, with a recognizable value for each name that bootstrap.sh invents."""

import functools
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent.parent
REPOSITORY = FOLDER.parent.parent
FILES = [FOLDER / name for name in ("base.yaml", "compose.yaml", "chat.yaml", "meetings.yaml")]
SOURCE = "".join(file.read_text(encoding="utf-8") for file in FILES)
DOMAIN = "platform.test"
# Names without a default, all of which bootstrap.sh writes to .env.
REQUIRED = sorted(
    {*re.findall(r"\$\{([A-Z0-9_]+):\?\}", SOURCE), *re.findall(r"\{environment: ([A-Z0-9_]+)\}", SOURCE)}
)
PLAIN = {"DEZKY_DOMAIN": DOMAIN, "DEZKY_UID": "1000", "DEZKY_GID": "1000"}
SECRETS = [name for name in REQUIRED if name not in PLAIN]


def canary(name: str) -> str:
    """The value of a secret, in which its name can be recognized."""
    return f"canary-{name.lower().replace('_', '-')}-canary"


@functools.cache
def _compose() -> str:
    return subprocess.run([FOLDER / "docker-compose.sh"], check=True, capture_output=True, text=True).stdout.strip()


def render(**more: str) -> dict:
    """The whole platform, all profiles, with further names in .env."""
    values = PLAIN | {name: canary(name) for name in SECRETS} | more
    with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
        file.write("".join(f"{name}={value}\n" for name, value in values.items()))
        file.flush()
        command = [_compose(), "--env-file", file.name, "--profile", "*", "config", "--format", "json"]
        # Nothing of the caller's environment.
        environment = {"PATH": os.environ["PATH"], "HOME": tempfile.gettempdir()}
        run = subprocess.run(command, cwd=FOLDER, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "warn" not in run.stderr.lower(), run.stderr
    return json.loads(run.stdout)


PLATFORM = render()
SERVICES: dict[str, dict] = PLATFORM["services"]
NETWORKS: dict[str, dict] = PLATFORM["networks"]


def environment_of(service: str) -> dict[str, str]:
    """The variables of a service."""
    return {name: value for name, value in SERVICES[service].get("environment", {}).items() if value is not None}


def members(network: str) -> set[str]:
    """The services of a network."""
    return {name for name, service in SERVICES.items() if network in service["networks"]}


def rules() -> dict:
    """Traefik's rules, with its template filled in."""
    text = (FOLDER / "traefik/rules.yaml").read_text(encoding="utf-8")
    text = text.replace('{{ env "DEZKY_DOMAIN" | replace "." "\\\\." }}', DOMAIN.replace(".", r"\."))
    text = text.replace('{{ env "DEZKY_DOMAIN" }}', DOMAIN)
    assert "{{" not in text
    return yaml.safe_load(text)


def hosts() -> dict[str, tuple[str, str | None]]:
    """Each name of the file `hosts` with its service and its profile."""
    lines = (line.split("#")[0].split() for line in (FOLDER / "hosts").read_text(encoding="utf-8").splitlines())
    return {name: (service, *(profile or [None])) for name, service, *profile in filter(None, lines)}
