"""Measures the Python package beside PyJWT (with PyJWKClient) and joserfc, in one process: verifications a second. Then an import of
100,000 tenants, walking over them, and 200 calls at a time on asyncio. Prints figures and ratios; nothing passes or fails.
Started by `benches/run.sh python`, on one core.

Cases that are compared take turns in rounds; a figure is the median of its rounds, a ratio the median of the ratios within them.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ISSUER = "https://auth.example.eu/application/o/dezky-portal/"
AUDIENCE = "dezky-portal"
ROUNDS = int(os.environ.get("ROUNDS", "7"))
TOKENS = 1_000
TENANTS = int(os.environ.get("TENANTS", "100000"))

Verify = Callable[[str], object]


def claims(number: int) -> dict[str, Any]:
    now = int(time.time())
    return {
        "iss": ISSUER, "sub": f"0b7c{number:028}", "aud": AUDIENCE, "exp": now + 36_000, "iat": now, "auth_time": now,
        "acr": "goauthentik.io/providers/oauth2/default", "email": "anna@example.eu", "email_verified": True,
        "name": "Anna Example", "preferred_username": "anna", "groups": ["acme", "dezky"], "azp": AUDIENCE, "uid": "9f5c1b7d3e",
        "sid": "session-anna",
    }  # fmt: skip


def opened(folder: str, jwks: dict[str, Any] | None = None) -> Any:
    from dezky import Dezky

    issuers = [{"id": "default", "urls": [ISSUER], "audiences": [AUDIENCE], "jwks": jwks}] if jwks else None
    name = f"{len(list(Path(folder).iterdir()))}.sqlite"
    return Dezky.open(environment=False, log="off", store=f"sqlite:{folder}/{name}", issuers=issuers)


def compare(title: str, cases: dict[str, Callable[[], Verify]], tokens: list[str], *, warm: bool = False) -> None:
    """Runs cases in turns; each makes its verifier anew for every round, outside of what is measured."""
    figures: dict[str, list[float]] = {name: [] for name in cases}
    for round_number in range(ROUNDS + 1):
        for name, make in cases.items():
            verify = make()
            if warm:
                for token in set(tokens):
                    verify(token)
            begun = time.perf_counter()
            for token in tokens:
                verify(token)
            figure = len(tokens) / (time.perf_counter() - begun)
            # The first round warms up.
            if round_number > 0:
                figures[name].append(figure)
    ours = next(iter(cases))
    print(f"\n{title}")
    for name, values in figures.items():
        ratio = statistics.median(own / other for own, other in zip(figures[ours], values, strict=True))
        said = "" if name == ours else f"   {ours} is {ratio:.2f}x"
        print(f"  {name:<34} {statistics.median(values):>9,.0f}/s{said}", flush=True)


def tokens(folder: str) -> None:
    import warnings

    import jwt
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from joserfc import jwt as jose
    from joserfc.jwk import KeySet

    # joserfc warns of the name `EdDSA`, which is what providers still use.
    warnings.filterwarnings("ignore", message=".*EdDSA.*")
    keys: dict[str, Any] = {
        "RS256": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }
    for name, key in keys.items():
        algorithm = jwt.get_algorithm_by_name(name)
        jwks = {"keys": [{**json.loads(algorithm.to_jwk(key.public_key())), "kid": name, "alg": name, "use": "sig"}]}
        jwks["keys"][0].pop("key_ops", None)
        given = [jwt.encode(claims(number), key, algorithm=name, headers={"kid": name}) for number in range(TOKENS)]
        another = jwt.encode(claims(TOKENS), key, algorithm=name, headers={"kid": name})

        def with_dezky(jwks: dict[str, Any] = jwks, another: str = another) -> Verify:
            dezky = opened(folder, jwks)
            dezky.verify(another)  # The keys are there from here on.
            verify: Verify = dezky.verify
            return verify

        class Local(jwt.PyJWKClient):
            """Keys without a way over a network, which is not what is measured."""

            def __init__(self, jwks: dict[str, Any]) -> None:
                super().__init__("https://auth.example.eu/jwks")
                self.own = jwks

            def fetch_data(self) -> Any:
                if self.jwk_set_cache is not None:
                    self.jwk_set_cache.put(self.own)
                return self.own

        def with_pyjwt(jwks: dict[str, Any] = jwks, name: str = name) -> Verify:
            client = Local(jwks)

            def verify(token: str) -> object:
                found = client.get_signing_key_from_jwt(token)
                return jwt.decode(token, found.key, algorithms=[name], audience=AUDIENCE, issuer=ISSUER)

            return verify

        def with_joserfc(jwks: dict[str, Any] = jwks, name: str = name) -> Verify:
            known = KeySet.import_key_set(jwks)  # type: ignore[arg-type]
            registry = jose.JWTClaimsRegistry(
                iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}
            )

            def verify(token: str) -> object:
                decoded = jose.decode(token, known, algorithms=[name])
                registry.validate(decoded.claims)
                return decoded

            return verify

        cases = {"dezky.verify": with_dezky, "PyJWT with PyJWKClient": with_pyjwt, "joserfc": with_joserfc}
        compare(f"{name}, first sight ({len(given[0])} characters)", cases, given)
        if name == "RS256":
            few = [given[number % 100] for number in range(20_000)]
            compare(f"{name}, remembered (100 tokens in turns)", cases, few, warm=True)


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def imported(folder: str) -> None:
    """In a process of its own, so that its memory is its own."""
    from dezky import DezkyError

    dezky = opened(folder)
    print(f"\n{TENANTS:,} tenants, SQLite; {peak():.0f} MB before")
    system = dezky.as_system("import")

    def rows() -> Iterator[dict[str, Any]]:
        for n in range(TENANTS):
            yield {
                "slug": f"tenant-{n:06}", "name": f"Tenant {n:06} GmbH", "status": "active", "plan": "business",
                "domains": [f"tenant-{n:06}.example"], "billing_info": {"company": f"Tenant {n:06} GmbH"},
            }  # fmt: skip

    begun = time.perf_counter()
    failed = sum(isinstance(made, DezkyError) for made in system.each(system.tenants.create, rows(), concurrency=256))
    took = time.perf_counter() - begun
    print(
        f"  imported by `each` in {took:.1f} s, {TENANTS / took:,.0f}/s, {failed} failed; at most {peak():.0f} MB",
        flush=True,
    )
    for _ in range(3):
        begun = time.perf_counter()
        count = sum(1 for _ in system.tenants.list(status="active"))
        took = time.perf_counter() - begun
        print(f"  walked over {count:,} in {took:.2f} s, {count / took:,.0f}/s; at most {peak():.0f} MB", flush=True)
    begun = time.perf_counter()
    for n in range(200):
        system.tenants.create(slug=f"single-{n}", name="Single")
    print(f"  200 created one after the other: {(time.perf_counter() - begun) * 1000:.0f} ms")
    dezky.close()


async def concurrent(folder: str) -> None:
    from dezky import AsyncDezky

    async with AsyncDezky.open(environment=False, log="off", store=f"sqlite:{folder}/async.sqlite") as dezky:
        system = dezky.as_system("bench")
        await system.tenants.create(slug="acme", name="Acme")
        print("\nasyncio, SQLite")
        for round_number in range(3):
            begun = time.perf_counter()
            await asyncio.gather(
                *(system.tenants.create(slug=f"a-{round_number}-{n}", name="Concurrent") for n in range(200))
            )
            print(f"  200 created at a time: {(time.perf_counter() - begun) * 1000:.0f} ms")
        for lanes in (1, 200):
            left = 20_000

            async def lane() -> None:
                nonlocal left
                while left > 0:
                    left -= 1
                    await system.tenants.get("acme")

            begun = time.perf_counter()
            await asyncio.gather(*(lane() for _ in range(lanes)))
            print(f"  read, {lanes} at a time: {20_000 / (time.perf_counter() - begun):,.0f}/s", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory(dir=os.environ.get("DEZKY_BENCH_FOLDER"), prefix="dezky-bench-") as folder:
        if sys.argv[1:] == ["import"]:
            imported(folder)
            return
        tokens(folder)
        subprocess.run([sys.executable, __file__, "import"], check=True)
        asyncio.run(concurrent(folder))


main()
