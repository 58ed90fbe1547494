"""How rows are read: where they stand, what they say, and what is said of those that cannot be read."""

import io
import json
from pathlib import Path

import pytest

from dezky_ops.failure import Exit, Failure
from dezky_ops.importing import Format, open_source
from dezky_ops.importing.csv_rows import HeadingError
from dezky_ops.importing.csv_rows import rows as csv_rows
from dezky_ops.importing.json_rows import PIECE
from dezky_ops.importing.json_rows import rows as json_rows
from dezky_ops.importing.row import Row


def of_csv(text: str) -> list[Row]:
    return list(csv_rows(io.StringIO(text, newline="")))


def of_json(text: str) -> list[Row]:
    return list(json_rows(io.StringIO(text)))


def test_a_csv_row_says_what_its_cells_say() -> None:
    (row,) = of_csv(
        "slug,name,domains,billingInfo.vatId,billingInfo.address,branding.primaryColor,plan\n"
        'acme,"Acme, Inc.",acme.example www.acme.example,DE 123456789,"Marktstraße 1\nLeipzig",#112233,\n'
    )
    assert row.line == 2
    assert row.arguments == {
        "slug": "acme",
        "name": "Acme, Inc.",
        "domains": ["acme.example", "www.acme.example"],
        "billing_info": {"vat_id": "DE 123456789", "address": "Marktstraße 1\nLeipzig"},
        "branding": {"primary_color": "#112233"},
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_of_all_languages_are_read(delimiter: str) -> None:
    rows = of_csv(f"slug{delimiter}name\r\nacme{delimiter}Acme\r\n\r\nbeta{delimiter}Beta\r\n")
    assert [(row.line, row.slug) for row in rows] == [(2, "acme"), (4, "beta")]


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    rows = of_csv('slug,name\nacme,"two\nlines"\nbeta,Beta\n')
    assert [row.line for row in rows] == [2, 4]


def test_a_row_with_a_cell_too_many_is_named() -> None:
    good, bad = of_csv("slug,name\nacme,Acme\nbeta,Beta,3\n")
    assert not good.problems
    assert bad.problems[0].line == 3
    assert bad.problems[0].code == "wrong_number_of_cells"


def test_broken_quotes_are_named_and_end_the_file() -> None:
    *_, last = of_csv('slug,name\nacme,Acme\nbeta,"Beta\n')
    assert (last.line, last.problems[0].code) == (3, "unreadable")


@pytest.mark.parametrize(
    ("heading", "code"),
    [
        ("slug,name,nmae", "unknown_column"),
        ("slug,name,Slug", "repeated_column"),
        ("slug,plan", "missing_column"),
        ("", "no_heading"),
    ],
)
def test_a_wrong_heading_is_refused_before_any_row(heading: str, code: str) -> None:
    with pytest.raises(HeadingError) as refused:
        of_csv(f"{heading}\nacme,Acme,x\n")
    assert code in [problem.code for problem in refused.value.problems]


def test_json_is_read_as_a_list_and_line_by_line() -> None:
    members = [{"slug": "acme", "name": "Acme", "billingInfo": {"vatId": "DE1"}}, {"slug": "beta", "name": "Beta"}]
    listed = of_json(json.dumps(members, indent=1))
    assert [row.arguments["slug"] for row in listed] == ["acme", "beta"]
    assert [row.line for row in listed] == [2, 9]
    assert listed[0].arguments["billing_info"] == {"vat_id": "DE1"}
    a_line_each = of_json("".join(f"{json.dumps(member)}\n" for member in members))
    assert [row.line for row in a_line_each] == [1, 2]
    assert [row.arguments for row in a_line_each] == [row.arguments for row in listed]


def test_a_list_that_is_longer_than_a_piece_is_read_whole() -> None:
    members = [{"slug": f"tenant-{number}", "name": "ä" * 100} for number in range(3 * PIECE // 100)]
    assert [row.arguments for row in of_json(json.dumps(members, ensure_ascii=False))] == members


@pytest.mark.parametrize("text", ["[]", "", "  \n "])
def test_an_empty_file_has_no_rows(text: str) -> None:
    assert of_json(text) == []


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ('[{"slug": "acme"},\n{"slug": }]', 2, "unreadable"),
        ('[{"slug": "acme"}', 1, "unreadable"),
        ('[{"slug": "acme"}\n{"slug": "beta"}]', 2, "unreadable"),
        ('{"slug": "acme"}\n{"slug": "beta", "slug": "gamma"}', 2, "unreadable"),
        ('["acme"]', 1, "wrong_type"),
        ("[" * 100_000, 1, "unreadable"),
    ],
)
def test_what_is_no_json_is_named_with_its_line(text: str, line: int, code: str) -> None:
    *_, last = of_json(text)
    assert [(problem.line, problem.code) for problem in last.problems] == [(line, code)]


def test_a_file_is_told_by_its_name(tmp_path: Path) -> None:
    file = tmp_path / "tenants.jsonl"
    file.write_text('{"slug": "acme", "name": "Acme"}')
    with open_source(file) as source:
        assert source.format is Format.JSON
    with pytest.raises(Failure, match="--format"), open_source(tmp_path / "tenants.txt"):
        pass


def test_a_file_that_changes_meanwhile_is_read_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "tenants.csv"
    file.write_text("slug,name\nacme,Acme\n")
    with open_source(file) as source:
        file.write_text("slug,name\nother,Other\n")
        assert [row.slug for row in source.rows()] == ["acme"]


def test_other_encodings_are_refused_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "tenants.csv"
    file.write_bytes("slug,name\nacme,Acme\nbaer,Bär\n".encode("latin-1"))
    with pytest.raises(Failure, match=r"line 3.*UTF-8") as refused, open_source(file):
        pass
    assert refused.value.exit_code is Exit.USAGE


def test_a_mark_of_the_byte_order_is_no_part_of_the_heading(tmp_path: Path) -> None:
    file = tmp_path / "tenants.csv"
    file.write_bytes(b"\xef\xbb\xbfslug,name\nacme,Acme\n")
    with open_source(file) as source:
        assert [row.slug for row in source.rows()] == ["acme"]
