"""Holds the crates that are published to what a registry and their users need."""

import copy
import tomllib

import pytest
from artefacts import REPOSITORY
from crates import faults, members, packaged, published

PACKAGES = members()
PUBLIC = {package["name"]: package for package in PACKAGES if published(package)}


def test_the_library_and_its_macros_are_published_and_nothing_else() -> None:
    assert sorted(PUBLIC) == ["dezky", "dezky-derive"]
    assert not [each["name"] for each in members(REPOSITORY / "fuzz/targets/Cargo.toml") if published(each)]


@pytest.mark.parametrize("name", PUBLIC)
def test_manifests_are_complete(name: str) -> None:
    assert not faults(PUBLIC[name], PACKAGES)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"description": None}, "there is no `description`"),
        ({"license": None}, "there is no `license`"),
        ({"readme": None}, "there is no `readme`"),
        ({"keywords": []}, "there must be 1 to 5 keywords"),
        ({"categories": list("abcdef")}, "there must be 1 to 5 categories"),
        (
            {"dependencies": [{"name": "dezky-host", "path": "x", "kind": None, "req": "=0.1.0"}]},
            "which is not published",
        ),
        ({"dependencies": [{"name": "dezky-derive", "path": "x", "kind": None, "req": "*"}]}, "must have `version"),
        (
            {"dependencies": [{"name": "dezky-derive", "path": "x", "kind": "build", "req": "=9.9.9"}]},
            "must have `version",
        ),
    ],
)
def test_what_a_manifest_lacks_is_told(change: dict, says: str) -> None:
    [fault] = faults({**copy.deepcopy(PUBLIC["dezky"]), "dependencies": [], **change}, PACKAGES)
    assert says in fault


def test_packages_have_what_they_are_built_and_read_from() -> None:
    packages = packaged()
    assert sorted(packages) == sorted(f"{name}-{each['version']}.crate" for name, each in PUBLIC.items())
    for name, files in packages.items():
        folder = REPOSITORY / ("derive" if name.startswith("dezky-derive") else "core")
        # The text, and not the link that the working tree has.
        assert files["LICENSE"] == (REPOSITORY / "LICENSE").read_bytes()
        assert files["README.md"] == (folder / "README.md").read_bytes()
        sources = {str(path.relative_to(folder)) for path in (folder / "src").rglob("*.rs")}
        assert sources <= set(files)
        manifest = tomllib.loads(files["Cargo.toml"].decode())
        assert not [key for key, value in manifest["dependencies"].items() if "path" in value]
        # What is read while it is compiled, or by the cases.
        if folder.name == "core":
            cases = {f"tests/cases/{path.name}" for path in (folder / "tests/cases").glob("*.json")}
            assert {"build.rs", "openapi.json", *cases} <= set(files)
