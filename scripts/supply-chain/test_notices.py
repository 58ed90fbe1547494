"""Holds notices to what is in an artefact, and packages to having them."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import notices
import pytest
import toolchain
from artefacts import ARTEFACTS, REPOSITORY, host
from rust import components
from texts import FOLDER, Unknown, package

FROM_RUST = "in the standard library of Rust"
# The portal is built first, which takes long: its packages are tested by themselves.
RUST = [name for name in ARTEFACTS if name != "portal"]
MANIFESTS = sorted((REPOSITORY / "bindings/node/npm").glob("*/package.json"))


@cache
def text_of(name: str) -> str:
    return notices.notices(name)


def listed(text: str) -> set[str]:
    """Names and versions at the beginning."""
    lines = re.findall(r"^ {4}(\S.*)", text.partition(notices.LINE)[0], re.MULTILINE)
    return {line.partition(" (")[0] for line in lines}


@pytest.fixture(params=RUST)
def part(request: pytest.FixtureRequest) -> str:
    return request.param


def test_they_name_what_the_bill_of_materials_says_is_in_it(part: str) -> None:
    artefact = ARTEFACTS[part]
    known = components(artefact.crate, artefact.platform, "library").components
    others = {f"{each.name} {each.version}" for each in known if each.scope == "required" and each.hashes}
    crates = {each for each in listed(text_of(part)) if FROM_RUST not in each}
    assert crates - {"musl", "wasi-libc"} == others | {
        each for each in crates if each.startswith("The standard library of Rust ")
    }


@pytest.mark.parametrize(
    ("name", "present", "absent"),
    [
        ("binary", {"mongodb", "libsqlite3-sys", "aws-lc-sys", "wasmtime", "musl"}, {"pyo3", "napi", "wasi-libc"}),
        ("component", {"spin-sdk", "axum", "wasi-libc"}, {"mongodb", "libsqlite3-sys", "wasmtime", "musl"}),
        ("node", {"napi", "libsqlite3-sys"}, {"pyo3", "wasmtime", "musl"}),
        ("python", {"pyo3", "libsqlite3-sys"}, {"napi", "wasmtime", "musl"}),
    ],
)
def test_parts_are_told_apart(name: str, present: set[str], absent: set[str]) -> None:
    names = {each.partition(" ")[0] for each in listed(text_of(name))}
    assert present <= names
    # What only tests, builds and macros need is in no artefact, and what is ours is no work of others.
    assert not names & (absent | {"proptest", "criterion", "tempfile", "cmake", "syn", "serde_derive", "dezky"})


def test_everything_that_is_listed_has_a_text(part: str) -> None:
    text = text_of(part)
    headings = " ".join(text.split(notices.LINE)[1::2]).replace("\n    ", " ")
    users = {user.strip() for heading in headings.split("The text of: ")[1:] for user in heading.split(",")}
    assert listed(text) == users


def test_each_text_is_there_once(part: str) -> None:
    texts = [" ".join(each.split()) for each in text_of(part).split(notices.LINE)[2::2]]
    assert len(texts) > 20
    assert len(texts) == len(set(texts))


def test_libraries_of_c_inside_crates_have_theirs() -> None:
    text = text_of("binary")
    assert "Microsoft Corporation, Daan Leijen" in text
    # Of aws-lc, and of what that has inside.
    assert "Copyright (c) 2015-2020 the fiat-crypto authors" in text
    assert "OpenSSL" in text
    assert "Rich Felker" in text


def test_they_are_the_same_again() -> None:
    command = [REPOSITORY / "scripts/notices.sh", "component", "/dev/stdout"]
    assert subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout == text_of("component")


def test_another_platform_can_be_named() -> None:
    written = notices.notices("binary", "aarch64-unknown-linux-musl")
    assert written.startswith("Notices of what others wrote in dezky 0.1.0 for aarch64-unknown-linux-musl\n")
    windows = listed(notices.notices("node", "x86_64-pc-windows-msvc"))
    assert any(each.startswith("windows-sys 0.6") and FROM_RUST in each for each in windows)
    assert not any(each.startswith("windows") for each in listed(text_of("node")))


def written(folder: Path, **files: str) -> Path:
    for name, content in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return folder


def test_all_texts_of_a_package_are_taken_and_nothing_else(tmp_path: Path) -> None:
    folder = written(
        tmp_path,
        **{"LICENSE-MIT": "mit\r\n", "license-apache.md": "apache  \nit", "NOTICE": "notice", "License.rs": "code"},
        **{
            "vendor__COPYING": "inside",
            "node_modules__other__LICENSE": "other's",
            "copies.txt": "",
            "LICENSES.json": "",
        },
    )
    found = package("a", "1.0.0", "MIT/Apache-2.0", folder, [])
    assert found.licence == "MIT OR Apache-2.0"
    assert sorted(found.texts) == ["apache\nit", "inside", "mit", "notice"]


def test_a_package_without_a_file_gets_the_text_of_its_licence(tmp_path: Path) -> None:
    folder = written(tmp_path, AUTHORS="Ada", vendor__LICENSE="inside")
    mit, *others = package("a", "1.0.0", "WTFPL OR MIT", folder, ["Ada L. <ada@example.net>", "Bob"]).texts
    assert "Copyright (c) Ada L., Bob\n" in mit
    assert sorted(others) == ["Ada", "inside"]
    [exception] = [
        read for read in package("a", "1", "Apache-2.0 WITH LLVM-exception", folder, []).texts if "LLVM" in read
    ]
    assert "embedded into an Object form" in exception
    assert "Copyright (c) the authors of a\n" in package("a", "1.0.0", "MIT", folder, []).texts[0]


@pytest.mark.parametrize(
    "licence", ["", "WTFPL", "MIT AND WTFPL", "MIT WITH nothing", "WTFPL AND (WTFPL OR MIT OR WTFPL)"]
)
def test_an_unknown_licence_is_an_error_that_tells_what_to_do(licence: str, tmp_path: Path) -> None:
    folder = written(tmp_path, vendor__LICENSE="that of another")
    with pytest.raises(Unknown) as told:
        package("odd", "1.2.3", licence, folder, [])
    assert f"odd 1.2.3 has no file with its licence, and there is no standard text for `{licence or 'none'}`" in str(
        told.value
    )
    assert "put the text into scripts/supply-chain/texts/" in str(told.value)


def test_an_error_is_told_without_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notices, "BUNDLED", tmp_path / ".output/bundled.json")
    monkeypatch.setattr(sys, "argv", ["notices.py", "portal", str(tmp_path / "out")])
    with pytest.raises(SystemExit, match=r"notices.sh: there is no .*/bundled.json: build the portal by"):
        notices.main()
    assert not list(tmp_path.iterdir())


def test_packages_of_the_portal_are_read_where_they_are_installed(tmp_path: Path) -> None:
    for place in ("a", "b__node_modules__a"):
        written(
            tmp_path,
            **{
                f"node_modules__{place}__package.json": '{"name": "a", "version": "1.0.0", "license": "ISC"}',
                f"node_modules__{place}__LICENSE": "that of a",
            },
        )
    manifest = {"name": "b", "version": "2.0.0", "license": {"type": "MIT"}, "author": {"name": "Bea"}}
    folders = json.dumps(["node_modules/a", "node_modules/b", "node_modules/b/node_modules/a"])
    written(tmp_path, **{"node_modules__b__package.json": json.dumps(manifest), ".output__bundled.json": folders})
    text = notices.text("the portal", notices.bundled(tmp_path / ".output/bundled.json"))
    assert listed(text) == {"a 1.0.0", "b 2.0.0"}
    assert text.count("that of a") == 1
    assert "Copyright (c) Bea\n" in text


def test_a_rust_without_its_licences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="install Rust by rustup"):
        toolchain.library(tmp_path, "1.0.0", host())
    written(tmp_path, **{toolchain.DOCUMENT.replace("/", "__"): "<h1>Something else</h1>"})
    with pytest.raises(Unknown, match="has another form"):
        toolchain.library(tmp_path, "1.0.0", host())


def test_standard_texts_are_all_of_use() -> None:
    used = {" ".join(each.split()) for name in RUST for each in text_of(name).split(notices.LINE)[2::2]}
    for file in FOLDER.iterdir():
        # Up to the names, which are of each package.
        text = " ".join(file.read_text(encoding="utf-8").partition("{holders}")[0].split())
        assert any(each.startswith(text) for each in used), file.name


@pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: each.parent.name)
def test_packages_for_npm_with_an_addon_have_the_notices(manifest: Path, tmp_path: Path) -> None:
    platform = manifest.parent.name
    folder = Path(
        shutil.copytree(manifest.parent, tmp_path / "package", ignore=shutil.ignore_patterns("*.node", "[A-Z]*"))
    )
    written(folder, **{f"dezky.{platform}.node": "", "THIRD-PARTY-NOTICES": "", "LICENSE": "", "other": ""})
    command = ["npm", "pack", "--dry-run", "--json", "--offline"]
    [packed] = json.loads(subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout)
    expected = {f"dezky.{platform}.node", "package.json", "LICENSE", "THIRD-PARTY-NOTICES"}
    assert {each["path"] for each in packed["files"]} == expected


def test_wheels_have_the_notices() -> None:
    project = tomllib.loads((REPOSITORY / "bindings/python/pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license-files"] == ["LICENSE", "THIRD-PARTY-NOTICES"]
