"""Holds bills of materials to their schema and to the lock files, which are read here by other ways."""

import base64
import json
import tomllib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pytest
from artefacts import ARTEFACTS, REPOSITORY, host, output_of
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from sbom import write

# Packages of npm whose manifests name no licence.
UNLICENSED = {"tosource"}


@pytest.fixture(scope="module", params=ARTEFACTS)
def part(request: pytest.FixtureRequest) -> str:
    return request.param


@cache
def text_of(name: str) -> str:
    with TemporaryDirectory() as folder:
        return write(Path(folder), name).read_text(encoding="utf-8")


@pytest.fixture
def text(part: str) -> str:
    return text_of(part)


@pytest.fixture
def document(text: str) -> dict:
    return json.loads(text)


def of_kind(document: dict, kind: str) -> list[dict]:
    """The components from a registry, the subject included."""
    everything = [document["metadata"]["component"], *document["components"]]
    return [each for each in everything if each["purl"].startswith(f"pkg:{kind}/")]


@cache
def resolved(target: str) -> dict:
    """What cargo resolves for a platform, over all of the workspace."""
    metadata = json.loads(
        output_of("cargo", "metadata", "--format-version", "1", "--locked", "--filter-platform", target)
    )
    packages = {each["id"]: each for each in metadata["packages"]}
    return {
        (packages[node["id"]]["name"], packages[node["id"]]["version"]): (packages[node["id"]], node["deps"], packages)
        for node in metadata["resolve"]["nodes"]
    }


def asked_for(package: dict, dependency: dict) -> bool:
    """Tells whether a manifest asks for a dependency in every build: not for tests, and not at the will of a feature."""
    return any(
        each["kind"] != "dev" and not each["optional"] and each["target"] is None and each["name"] == dependency["name"]
        for each in package["dependencies"]
    )


def test_fits_the_schema(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_is_the_same_again(part: str, text: str, tmp_path: Path) -> None:
    assert write(tmp_path, part).read_text(encoding="utf-8") == text


def test_crates_have_the_checksums_of_the_lock_file(document: dict) -> None:
    lock = tomllib.loads((REPOSITORY / "Cargo.lock").read_text(encoding="utf-8"))
    checksums = {(each["name"], each["version"]): each.get("checksum") for each in lock["package"]}
    crates = of_kind(document, "cargo")
    assert len(crates) > 60
    for each in crates:
        hashes = [found["content"] for found in each.get("hashes", []) if found["alg"] == "SHA-256"]
        expected = checksums[each["name"], each["version"]]
        assert hashes == ([expected] if expected else []), each["name"]
        assert each["purl"] == f"pkg:cargo/{each['name']}@{quote(each['version'])}"
        assert each["licenses"], each["name"]


def test_everything_is_in_it_that_the_lock_file_has_for_its_platform(part: str, document: dict) -> None:
    known = resolved(ARTEFACTS[part].platform)
    crates = {(each["name"], each["version"]) for each in of_kind(document, "cargo")}
    assert any(name == ARTEFACTS[part].crate for name, _ in crates)
    for key in crates:
        package, dependencies, packages = known[key]
        for each in dependencies:
            dependency = packages[each["pkg"]]
            if asked_for(package, dependency):
                assert (dependency["name"], dependency["version"]) in crates, f"{key} needs {dependency['name']}"


def test_edges_lead_from_the_subject_to_everything(document: dict) -> None:
    edges = {each["ref"]: each.get("dependsOn", []) for each in document["dependencies"]}
    reached, waiting = set(), [document["metadata"]["component"]["bom-ref"]]
    while waiting:
        each = waiting.pop()
        if each not in reached:
            reached.add(each)
            waiting.extend(edges[each])
    assert {each["bom-ref"] for each in document["components"] if each["purl"].startswith("pkg:cargo/")} <= reached


# What an artefact is known to have in it, and what it must not have.
@pytest.mark.parametrize(
    ("name", "present", "absent"),
    [
        ("binary", {"dezky", "mongodb", "rusqlite", "aws-lc-rs", "wasmtime", "clap"}, {"lambda_http", "pyo3", "napi"}),
        ("component", {"dezky", "spin-sdk", "axum"}, {"mongodb", "rusqlite", "aws-lc-rs", "reqwest", "wasmtime"}),
        ("lambda", {"dezky", "lambda_http", "mongodb"}, {"wasmtime", "napi", "pyo3"}),
        ("node", {"dezky", "napi", "rusqlite"}, {"wasmtime", "pyo3", "lambda_http"}),
        ("python", {"dezky", "pyo3", "rusqlite"}, {"wasmtime", "napi", "lambda_http"}),
        ("portal", {"dezky", "napi", "nuxt", "jose"}, {"playwright-core", "axe-core", "wasmtime"}),
    ],
)
def test_parts_are_told_apart(name: str, present: set[str], absent: set[str]) -> None:
    document = json.loads(text_of(name))
    names = {each["name"] for each in document["components"] if each.get("scope") != "excluded"}
    assert present <= names
    assert not names & (absent | {"proptest", "criterion", "tempfile"})


@pytest.mark.parametrize("name", ARTEFACTS)
def test_they_say_for_which_platform(name: str) -> None:
    machine = host().partition("-")[0]
    expected = {
        "binary": f"{machine}-unknown-linux-musl",
        "component": "wasm32-wasip2",
        "lambda": "aarch64-unknown-linux-gnu",
    }
    document = json.loads(text_of(name))
    [told] = document["metadata"]["properties"]
    assert told == {"name": "cdx:rustc:sbom:target:triple", "value": expected.get(name, host())}


def test_the_binary_is_that_of_the_recipe() -> None:
    recipe = (REPOSITORY / "infrastructure/images/binary.sh").read_text(encoding="utf-8")
    assert f" {ARTEFACTS['binary'].platform})" in recipe or f"    {ARTEFACTS['binary'].platform} |" in recipe
    # The crate alone and its default features, as the graph is asked for.
    assert "cargo build --package dezky-host --bin dezky --profile" in recipe
    assert "--features" not in recipe


def test_the_portal_has_the_packages_of_its_lock_file() -> None:
    document = json.loads(text_of("portal"))
    packages = json.loads((REPOSITORY / "examples/portal/package-lock.json").read_text(encoding="utf-8"))["packages"]
    expected = {}
    for path, entry in packages.items():
        if path and not entry.get("dev"):
            digests = {base64.b64decode(each.partition("-")[2]).hex() for each in entry.get("integrity", "").split()}
            expected[path.rpartition("node_modules/")[2], entry["version"]] = digests
    found = {
        ("/".join(filter(None, (each.get("group"), each["name"]))), each["version"]): {
            hashed["content"] for hashed in each.get("hashes", [])
        }
        for each in of_kind(document, "npm")
        if each != document["metadata"]["component"] and each["name"] != "sdk"
    }
    assert found == expected
    assert {each["name"] for each in of_kind(document, "npm") if not each.get("licenses")} <= UNLICENSED
