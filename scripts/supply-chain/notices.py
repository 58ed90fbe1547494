"""Writes the notices of what others wrote and is in a released part: notices.py PART FILE [--target TARGET]

Their licences ask to be in every copy. Two runs on the same commit and with the same tools write the same bytes.
"""

import argparse
import json
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

from artefacts import ARTEFACTS, REPOSITORY
from graph import BUILT_IN, Key, graph, manifests
from texts import Package, Unknown, package
from toolchain import toolchain

LINE = "-" * 80
# What the build of the portal took packages from, which modules/notices.ts of the portal writes.
BUNDLED = REPOSITORY / "examples/portal/.output/bundled.json"


def crate(key: Key) -> Package:
    """A crate of a registry."""
    manifest = manifests()[key]
    folder = Path(manifest["manifest_path"]).parent
    more = [folder / manifest["license_file"]] if manifest["license_file"] else []
    return package(*key, manifest["license"] or "", folder, manifest["authors"], *more)


def crates(name: str, target: str) -> list[Package]:
    """What others wrote in a crate of the workspace."""
    _, dependencies = graph(name, target, BUILT_IN)
    others = [key for key in dependencies if manifests()[key]["source"]]
    return [*map(crate, others), *toolchain(target)]


def author(manifest: dict) -> list[str]:
    """Who wrote an npm package, as its manifest says in one of two ways."""
    said = manifest.get("author") or ""
    return [name] if (name := said if isinstance(said, str) else said.get("name", "")) else []


def npm_package(folder: Path) -> Package:
    """An npm package where it is installed."""
    manifest = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    licence = manifest.get("license") or ""
    named = licence if isinstance(licence, str) else licence.get("type", "")
    return package(manifest["name"], manifest["version"], named, folder, author(manifest))


def bundled(record: Path) -> list[Package]:
    """What others wrote in the built portal: folders of packages, from that of the portal."""
    if not record.is_file():
        raise Unknown(f"there is no {record}: build the portal by scripts/build-portal.sh")
    portal = record.parent.parent
    folders = json.loads(record.read_text(encoding="utf-8"))
    # The same package may be installed in two places.
    return list({str(each): each for each in (npm_package(portal / folder) for folder in folders)}.values())


def in_part(name: str, target: str) -> list[Package]:
    """What others wrote in a part."""
    found = crates(ARTEFACTS[name].crate, target)
    return found + bundled(BUNDLED) if name == "portal" else found


def names(users: list[Package]) -> str:
    """Whose text it is, in lines that can be read."""
    said = f"The text of: {', '.join(map(str, users))}"
    return textwrap.fill(said, len(LINE), subsequent_indent="    ", break_on_hyphens=False, break_long_words=False)


def text(subject: str, packages: Iterable[Package]) -> str:
    """The notices: what there is, and each text once, whatever its lines are broken at."""
    ordered = sorted(packages, key=lambda each: (each.name.lower(), each.version))
    groups: dict[str, tuple[str, list[Package]]] = {}
    for each in ordered:
        for licence in each.texts:
            users = groups.setdefault(" ".join(licence.split()), (licence, []))[1]
            if each not in users:
                users.append(each)
    listed = [f"    {each} ({each.licence})" if each.licence else f"    {each}" for each in ordered]
    parts = [
        f"Notices of what others wrote in {subject}\n\n"
        "It is made of the following, each under its own licence. Where a licence is one of several,\n"
        "separated by OR, the texts of all that came with it are here.\n\n" + "\n".join(listed)
    ]
    parts += [f"{LINE}\n{names(users)}\n{LINE}\n\n{shown}" for shown, users in groups.values()]
    return "\n\n".join(parts) + "\n"


def notices(name: str, target: str | None = None) -> str:
    """The notices of a part; the platform is its own unless another is given."""
    platform = target or ARTEFACTS[name].platform
    version = next(manifest["version"] for key, manifest in manifests().items() if key[0] == ARTEFACTS[name].crate)
    return text(f"{ARTEFACTS[name].name} {version} for {platform}", in_part(name, platform))


def main() -> None:
    parser = argparse.ArgumentParser(prog="notices.sh", description="Writes the notices of what others wrote.")
    parser.add_argument("part", choices=ARTEFACTS)
    parser.add_argument("file", type=Path)
    parser.add_argument("--target", help="the platform, as rustc names it")
    arguments = parser.parse_args()
    try:
        written = notices(arguments.part, arguments.target)
    except Unknown as unknown:
        sys.exit(f"notices.sh: {unknown}")
    arguments.file.parent.mkdir(parents=True, exist_ok=True)
    arguments.file.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
