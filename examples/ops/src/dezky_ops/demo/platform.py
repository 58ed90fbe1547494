"""A platform for a demonstration in a folder of its own: settings, an issuer of its own, and tokens to call with.

Its issuer is a key in a file. That is enough to try everything, and no way to run a platform.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ..files import write_text
from .estate import Estate, Person

ISSUER_ID = "demo"
ISSUER_URL = "https://login.demo.example/"
AUDIENCE = "dezky-demo"
LIFETIME = timedelta(hours=12)
"""Of a token; the platform accepts no more than 24 hours."""


@dataclass(frozen=True, slots=True)
class DemoPlatform:
    """A platform in a folder."""

    folder: Path

    @property
    def settings(self) -> Path:
        """The settings, as `DEZKY_CONFIG` or `--config` names them."""
        return self.folder / "dezky.toml"

    @property
    def store(self) -> str:
        """Where its store is."""
        return f"sqlite:{self.folder / 'dezky.sqlite'}"

    def token_file(self, name: str) -> Path:
        """Where the token is of a kind of person: `owner`, `admin`, `member`, `platform-admin`."""
        return self.folder / "tokens" / f"{name}.token"

    def sign(self, person: Person, now: datetime | None = None) -> str:
        """An access token of a person."""
        now = now if now is not None else datetime.now(UTC)
        claims = {
            "iss": ISSUER_URL,
            "aud": AUDIENCE,
            "sub": person.subject,
            "iat": int(now.timestamp()),
            "exp": int((now + LIFETIME).timestamp()),
            "jti": uuid4().hex,
            "email": person.email,
            "name": person.name,
        }
        return jwt.encode(claims, self._key(), algorithm="EdDSA", headers={"kid": "demo"})

    def write_tokens(self, estate: Estate) -> dict[str, Person]:
        """Writes a fresh token for one person of each kind, readable by the owner of the folder only."""
        people = typical_people(estate)
        (self.folder / "tokens").mkdir(mode=0o700, exist_ok=True)
        for name, person in people.items():
            write_text(self.token_file(name), f"{self.sign(person)}\n")
        return people

    def _key(self) -> ed25519.Ed25519PrivateKey:
        key = load_pem_private_key((self.folder / "issuer-key.pem").read_bytes(), password=None)
        assert isinstance(key, ed25519.Ed25519PrivateKey)
        return key


def prepare_platform(folder: Path) -> DemoPlatform:
    """Makes the folder, the issuer's key and the settings where they are missing."""
    folder = folder.absolute()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    platform = DemoPlatform(folder)
    key_file = folder / "issuer-key.pem"
    if not key_file.exists():
        key = ed25519.Ed25519PrivateKey.generate()
        write_text(key_file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    if not platform.settings.exists():
        write_text(platform.settings, settings_of(platform))
    return platform


def settings_of(platform: DemoPlatform) -> str:
    """The settings: the store, and the issuer with its public key."""
    key: dict[str, Any] = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(platform._key().public_key()))
    public = {**key, "kid": "demo", "alg": "EdDSA", "use": "sig"}
    members = ", ".join(f"{name} = {json.dumps(value)}" for name, value in public.items() if isinstance(value, str))
    return (
        "# A platform for a demonstration. Its issuer is the key beside this file: whoever can read that can "
        "be anybody here.\n"
        f"store = {json.dumps(platform.store)}\n"
        "\n"
        "[[issuers]]\n"
        f"id = {json.dumps(ISSUER_ID)}\n"
        f"urls = [{json.dumps(ISSUER_URL)}]\n"
        f"audiences = [{json.dumps(AUDIENCE)}]\n"
        'profile = "any"\n'
        f"jwks = {{ keys = [{{ {members} }}] }}\n"
    )


def typical_people(estate: Estate) -> dict[str, Person]:
    """One person of each kind, all of them of the largest active company."""
    employed: dict[str, list[tuple[str, Person]]] = {}
    for employment in estate.employments:
        employed.setdefault(employment.slug, []).append((employment.role, estate.people[employment.email]))
    active = [company.slug for company in estate.companies if company.status == "active"] or [estate.companies[0].slug]
    largest = max(active, key=lambda slug: len(employed[slug]))
    people = {}
    for role in ("owner", "admin", "member"):
        person = next((person for has, person in employed[largest] if has == role and not person.disabled), None)
        if person is not None:
            people[role] = person
    people["platform-admin"] = next(person for person in estate.people.values() if person.platform_admin)
    return people
