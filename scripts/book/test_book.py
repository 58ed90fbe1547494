"""Tests of the book: what becomes of pages, what the references say, and that a link to nowhere is found."""

from __future__ import annotations

import json
import subprocess
import tempfile
import unittest
from pathlib import Path

import book
import check_links
import http_api
import markdown
import pages
import program
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = json.loads((ROOT / "core/openapi.json").read_text(encoding="utf-8"))

# Commands of commands, as the help of clap lists them.
PROGRAM = """#!/bin/sh
case $* in
    --help)
        cat <<END
About

Usage: ${0##*/} <COMMAND>

Commands:
  serve    Serve
             and more
  api-key  Keys
  help     Help

Options:
  -h
END
        ;;
    "api-key --help") printf 'Keys\\n\\nCommands:\\n  list  List [alias: ls]\\n  help  Help\\n' ;;
    "serve --help" | "api-key list --help") echo "Help of ${0##*/} $1" ;;
    *) exit 2 ;;
esac
"""
SETTINGS = 'settings! {\n    STORE = "store", "DEZKY_STORE", Some("store");\n    SEED = "seed.slug", "DEZKY_SEED_SLUG", None;\n}\n'
INDEX = """# Documentation

| page |
|---|
| [a](a.md) |
| [b](design/b.md), [events](design/events-out.md) |
| [front](../README.md) |

## Design

[e](errors.md) [z](authorization.md)
"""
FRONT = """# Front

[docs](docs/README.md#design) [licence](LICENSE)

### Configuration

[plans](#plans) [a](docs/a.md)

### Plans
"""
FILES = {
    "README.md": FRONT,
    "LICENSE": "free",
    "docs/README.md": INDEX,
    "docs/a.md": "# A `code`\n\n[up](../README.md) [out](https://example.eu/README.md)\n\n```md\n[x](README.md)\n```\n",
    "docs/design/b.md": "# B\n\n[index](../README.md)\n",
    "docs/errors.md": "# Errors\n",
    "docs/authorization.md": "# Policy\n",
    "docs/design/events-out.md": "# Events out\n",
    "infrastructure/README.md": "# Infrastructure\n",
    "handlers/configuration/src/settings.rs": SETTINGS,
    "core/openapi.json": json.dumps(DOCUMENT),
}


class Scratch(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def repository(self, **others: str) -> Path:
        """Returns a repository with the files above."""
        root = self.folder / "repository"
        for path, text in {**FILES, **others}.items():
            pages.put(root / path, text)
        subprocess.run(["git", "init", "--quiet", root], check=True)
        return root

    def binary(self) -> Path:
        """Returns a program with commands."""
        path = self.folder / "program"
        path.write_text(PROGRAM, encoding="utf-8")
        path.chmod(0o755)
        return path


class Pages(Scratch):
    def test_links_lead_to_chapters_and_code_stays(self) -> None:
        root = self.repository()
        book.write(root, self.binary(), self.folder / "book")
        source = self.folder / "book/src"
        assert "[docs](docs/index.md#design) [licence](LICENSE)" in (source / "index.md").read_text(encoding="utf-8")
        assert (source / "LICENSE").read_text(encoding="utf-8") == "free"
        text = (source / "docs/a.md").read_text(encoding="utf-8")
        assert "[up](../index.md) [out](https://example.eu/README.md)" in text
        assert "[x](README.md)" in text

    def test_every_page_is_a_chapter_once_in_the_order_of_the_index(self) -> None:
        root = self.repository()
        book.write(root, self.binary(), self.folder / "book")
        source = self.folder / "book/src"
        summary = (source / "SUMMARY.md").read_text(encoding="utf-8")
        chapters = markdown.links(summary)
        assert sorted(chapters) == sorted(
            str(path.relative_to(source)) for path in source.rglob("*.md") if path.name != "SUMMARY.md"
        )
        assert summary.index("docs/a.md") < summary.index("docs/design/b.md")
        assert "- [A code](docs/a.md)" in summary
        assert "# Folders\n\n- [Infrastructure](infrastructure/index.md)" in summary

    def test_a_page_that_the_index_does_not_name_is_a_fault(self) -> None:
        root = self.repository(**{"docs/forgotten.md": "# F\n"})
        with pytest.raises(ValueError, match=r"does not name docs/forgotten\.md"):
            pages.parts(root)

    def test_a_heading_that_would_lose_its_end_is_a_fault(self) -> None:
        root = self.repository(**{"docs/a.md": "# A\n\n## GET /users/{id}\n"})
        with pytest.raises(ValueError, match=r"docs/a\.md: `## GET /users/\{id\}` would lose"):
            book.write(root, self.binary(), self.folder / "book")

    def test_the_index_of_this_repository_names_all(self) -> None:
        listed = [page for _, part in pages.parts(ROOT) for page in part]
        assert len(listed) == len(set(listed))


class References(Scratch):
    def test_every_operation_and_schema_is_there(self) -> None:
        told = http_api.http_pages(DOCUMENT)
        everything = "\n".join(told.values())
        for path, methods in DOCUMENT["paths"].items():
            for method in methods:
                assert everything.count(f"## `{method.upper()} {path}`\n") == 1, path
        for name in DOCUMENT["components"]["schemas"]:
            assert f"## {name}\n" in told["schemas.md"]
        for name in DOCUMENT["webhooks"]:
            assert f"| `{name}` |" in http_api.events_page(DOCUMENT)

    def test_an_operation_of_no_tag_is_a_fault(self) -> None:
        document = json.loads(json.dumps(DOCUMENT))
        next(iter(next(iter(document["paths"].values())).values()))["tags"] = ["absent"]
        with pytest.raises(ValueError, match="no tag"):
            http_api.http_pages(document)

    def test_types_are_said_in_words(self) -> None:
        for schema, words in (
            ({"type": ["string", "null"]}, "string or `null`"),
            ({"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}, "array of [Thing](schemas.md#thing)"),
            (
                {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Thing"}]},
                "null or [Thing](schemas.md#thing)",
            ),
            ({"type": "string", "enum": ["a", "b"]}, '`"a"`, `"b"`'),
            ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of integer"),
            ({}, "anything"),
        ):
            assert words == http_api.kind(schema)

    def test_commands_below_commands_are_found(self) -> None:
        page = program.commands_page(self.binary())
        assert [line for line in page.splitlines() if line.startswith("##")] == [
            "## dezky serve",
            "## dezky api-key",
            "### dezky api-key list",
        ]
        assert "Usage: dezky <COMMAND>" in page

    def test_settings_are_those_that_are_declared(self) -> None:
        page = program.settings_page(self.repository())
        assert "| `DEZKY_STORE` | `store` | `--store` |\n| `DEZKY_SEED_SLUG` | `seed.slug` |  |" in page
        declared = (ROOT / "handlers/configuration/src/settings.rs").read_text(encoding="utf-8")
        count = declared.partition("pub const CONFIG_VARIABLE")[0].count('"DEZKY_')
        assert program.settings_page(ROOT).partition("## Names")[2].count("| `DEZKY_") == count

    def test_what_settings_say_of_other_parts_leads_to_the_front_page(self) -> None:
        book.write(self.repository(), self.binary(), self.folder / "book")
        text = (self.folder / "book/src/reference/settings.md").read_text(encoding="utf-8")
        assert "[plans](../index.md#plans) [a](../docs/a.md)" in text

    def test_a_line_in_a_cell_stays_in_it(self) -> None:
        assert markdown.table(["a"], [["b\nc | d"]]) == "| a |\n| --- |\n| b c \\| d |\n\n"


class Links(Scratch):
    def site(self, **files: str) -> list[str]:
        """Returns the faults of a site."""
        for name, text in files.items():
            pages.put(self.folder / "site" / name.replace("__", "/").replace("_html", ".html"), text)
        return check_links.faults(self.folder / "site")[0]

    def test_what_leads_somewhere_is_no_fault(self) -> None:
        page = '<h1 id="top"></h1><a href="#top"><a href="b/c.html#x%20y"><img src="b/"><a href="mailto:a@b.eu"><a href="https://b.eu">'
        assert self.site(a_html=page, b__c_html='<p id="x y"><a href="../a.html?q=1#top">', b__index_html="") == []

    def test_what_leads_nowhere_is_a_fault(self) -> None:
        for link, says in (
            ("absent.html", "no page"),
            ("#absent", "no place"),
            ("b.html#absent", "no place"),
            ("../out.html", "no page"),
        ):
            found = self.site(a_html=f'<a href="{link}">', b_html='<p id="here">')
            assert len(found) == 1, link
            assert says in found[0]


if __name__ == "__main__":
    unittest.main()
