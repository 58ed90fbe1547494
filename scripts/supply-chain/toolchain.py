"""What every program of Rust has in it beside its crates: the standard library, and on some platforms a library of C."""

import html
import re
from pathlib import Path

from artefacts import output_of
from texts import FOLDER, Package, Unknown, read, standard

# Made by Rust's own build: all that went into the standard library, with texts.
DOCUMENT = "share/doc/rust/COPYRIGHT-library.html"
# Crates that are in it on some platforms alone, by what is in the names of these. Of the last ones nothing is released.
ELSEWHERE = {
    r"windows[-_].*": "windows",
    r"wasi|wit-bindgen": "wasi",
    r"fortanix-sgx-abi": "fortanix",
    r"hermit-abi": "hermit",
    r"moto-rt": "motor",
    r"r-efi(-alloc)?": "uefi",
    r"vex-sdk": "vex",
}


def plain(source: str) -> str:
    """The text of a part of a page."""
    lines = (" ".join(line.split()) for line in html.unescape(re.sub(r"<[^>]+>", "", source)).splitlines())
    return "\n".join(line for line in lines if line)


def preformatted(source: str) -> str:
    """The text of a `<pre>`, whose own lines count."""
    return "\n".join(line.rstrip() for line in html.unescape(source).splitlines()).strip("\n")


def in_library(page: str) -> list[tuple[str, str, str]]:
    """The crates in the document: name, version and what is said of each."""
    found = []
    for part in page.split("<h3>")[1:]:
        title, _, said = part.partition("</h3>")
        named = re.fullmatch(r"\W*([\w-]+?)-(\d.*)", plain(title))
        if not named:
            raise Unknown(f"`{plain(title)}` in {DOCUMENT} of Rust is no name and version: adapt toolchain.py")
        found.append((named[1], named[2], said))
    return found


def field(name: str, said: str) -> str:
    """What the document says of a crate under a name."""
    found = re.search(rf"<b>{name}:</b>([^<]*)", said)
    return html.unescape(found[1]).strip() if found else ""


def library(root: Path, version: str, target: str) -> list[Package]:
    """The standard library, and the crates that it is built from."""
    document = root / DOCUMENT
    if not document.is_file():
        raise Unknown(
            f"there is no {document}, which has the licences of the standard library of Rust:"
            " install Rust by rustup, which brings it"
        )
    own, _, others = document.read_text(encoding="utf-8").partition('<h2 id="out-of-tree-dependencies">')
    own = own.partition('<h2 id="in-tree-files">')[2].partition("</h2>")[2]
    crates = in_library(others)
    if not own or not crates:
        raise Unknown(f"{document} has another form than scripts/supply-chain/toolchain.py reads: adapt it")
    named = set(re.findall(r"[\w.-]+", " ".join(re.findall(r"<b>License:</b>([^<]*)", own)))) - {"AND", "OR", "WITH"}
    licences = [read(root / "share/doc/rust/licenses" / f"{name}.txt") for name in sorted(named)]
    found = [Package("The standard library of Rust", version, "MIT OR Apache-2.0", (plain(own), *licences))]
    for name, number, said in crates:
        if any(re.fullmatch(names, name) and system not in target for names, system in ELSEWHERE.items()):
            continue
        licence = re.sub(r"\s*/\s*", " OR ", field("License", said))
        holders = re.sub(r"\s*<[^>]*>", "", field("Authors", said)) or f"the authors of {name}"
        texts = tuple(map(preformatted, re.findall(r"<pre>(.*?)</pre>", said, re.DOTALL)))
        texts = texts or standard(licence, holders)
        if not texts:
            raise Unknown(
                f"{document} has no text for {name} {number}, and there is no standard text for `{licence}`: put it into"
                " scripts/supply-chain/texts/, or the crate into ELSEWHERE in toolchain.py if it is of another platform"
            )
        found.append(Package(name, f"{number} in the standard library of Rust", licence, texts))
    return found


def c_library(target: str) -> list[Package]:
    """The library of C that Rust brings for a platform and links into the program."""
    if "-musl" in target:
        return [Package("musl", "", "MIT", (read(FOLDER / "musl.txt"),))]
    if "-wasip" in target:
        licence = "Apache-2.0 WITH LLVM-exception"
        return [
            Package("wasi-libc", "", licence, (read(FOLDER / "wasi-libc.txt"), *(standard(licence, "") or ()))),
        ]
    return []


def toolchain(target: str) -> list[Package]:
    """All of it for a platform."""
    root = Path(output_of("rustc", "--print", "sysroot").strip())
    version = output_of("rustc", "--version").split()[1]
    return [*library(root, version, target), *c_library(target)]
