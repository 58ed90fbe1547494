"""What all commands have in common: help, exit codes, signals, and nothing said that must not be."""

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from conftest import Demo, Ops

from dezky_ops.commands import COMMANDS
from dezky_ops.output import Output, table

WRITES = ("import-tenants", "export-tenant", "revoke", "backup", "restore", "load-demo")
LONG = [f"tenant-{number}" for number in range(60_000)]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(ops: Ops, name: str) -> None:
    ended = ops(name, "--help")
    assert ended.code == 0
    for option in ("--json", "--store", "--config", "--as", "--quiet"):
        assert option in ended.out
    assert ("--dry-run" in ended.out) == (name in WRITES)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_a_program_of_its_own(name: str) -> None:
    (program,) = entry_points(group="console_scripts", name=f"dezky-{name}")
    assert callable(program.load())
    found = shutil.which(f"dezky-{name}", path=str(Path(sys.executable).parent))
    assert found is not None
    ended = subprocess.run([found, "--help"], capture_output=True, text=True, check=True)
    assert ended.stdout.startswith(f"Usage: dezky-{name} [OPTIONS]")


def test_the_program_tells_its_exit_codes_and_version(ops: Ops) -> None:
    assert "5 not available now, try again" in ops("--help").out
    assert ops("--version").out.startswith("dezky-ops, version ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("usage-report", "--nonsense"),
        ("load-demo", "--tenants", "0"),
        ("usage-report", "--since", "yesterday"),
    ],
)
def test_a_wrong_command_line_has_its_code(ops: Ops, arguments: tuple[str, ...]) -> None:
    ended = ops(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert "--help" in ended.err


def test_a_wrong_setting_is_named(ops: Ops) -> None:
    ended = ops("usage-report", "--json")
    assert ended.code == 2
    assert ended.json["error"]["code"] == "invalid_setting"
    assert "DEZKY_STORE" in ended.err
    named = ops("usage-report", "--store", "sqlite:x.sqlite", "--as", "not a name")
    assert (named.code, len(named.err.splitlines())) == (2, 1)


def test_a_password_in_a_wrong_location_is_not_repeated(ops: Ops, tmp_path: Path) -> None:
    for location in ("mongo://user:s3cret@db.example/dezky", "mongodb:/user:s3cret@db.example"):
        for command in (("usage-report",), ("backup", tmp_path / "x.backup"), ("restore", tmp_path / "x.backup")):
            ended = ops(*command, "--store", location)
            assert ended.code == 2
            assert "s3cret" not in ended.out + ended.err


def test_a_store_that_does_not_answer_has_its_code(ops: Ops, tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("no folder")
    ended = ops("usage-report", "--store", f"sqlite:{folder / 'dezky.sqlite'}")
    assert ended.code in (2, 5)
    assert ended.err.splitlines()[-1].split(":")[0] in ("store_unavailable", "invalid_setting")


def test_nobody_reading_on_is_no_failure(demo: Demo) -> None:
    assert demo
    process = subprocess.Popen(
        [sys.executable, "-m", "dezky_ops", "access-report", "--format", "csv"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    words = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), words) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_command_in_order(store: str, tmp_path: Path, number: signal.Signals) -> None:
    """What was done stays, temporary files go, and the exit code says so."""
    file = tmp_path / "many.jsonl"
    file.write_text("".join(json.dumps({"slug": slug, "name": slug}) + "\n" for slug in LONG))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "dezky_ops", "import-tenants", str(file), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(scratch), "DEZKY_STORE": store},
    )
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["result"] == "created"
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == 130
    assert err.splitlines()[-1].startswith("interrupted: ")
    assert json.loads(out.splitlines()[-1])["error"]["code"] == "interrupted"
    assert list(scratch.iterdir()) == []


def test_a_terminal_is_shown_how_far_it_is_and_a_file_is_not(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "dezky_ops", "load-demo", "--tenants", "3", "--people", "60", "--platform"]
    terminal, child = pty.openpty()
    process = subprocess.Popen(
        [*arguments, str(tmp_path / "one")],
        stdout=subprocess.DEVNULL,
        stderr=child,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(child)
    seen = b""
    # Reading from a terminal that everybody has left fails on Linux.
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 4_096):
            seen += piece
    os.close(terminal)
    assert process.wait() == 0
    assert b"loading" in seen
    into_a_pipe = subprocess.run([*arguments, str(tmp_path / "two")], capture_output=True, check=True)
    assert into_a_pipe.stderr == b""


HOSTILE = "a\x1b[2Jb\x9b31m\r\n\x07\u202ec\u2028[red]d[/red]"
ESCAPED = r"a\x1b[2Jb\x9b31m\r\n\x07\u202ec\u2028[red]d[/red]"


def test_nothing_that_is_shown_acts_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=False, quiet=False)
    for said in (output.line, output.note, output.warning):
        said(HOSTILE)
        told = capsys.readouterr()
        assert (told.out + told.err).rstrip("\n") == ESCAPED
    rows = table("NAME", "KIND")
    rows.add_row(HOSTILE, "plain")
    output.table(rows)
    assert capsys.readouterr().out.splitlines()[1] == f"{ESCAPED}  plain"


@pytest.mark.parametrize("hostile", ["x\x1b]0;title\x07", "x\nsecond: line", "x\u202e", "x\x9b2J"])
def test_errors_of_commands_repeat_names_without_what_acts(ops: Ops, hostile: str) -> None:
    ended = ops("export-tenant", hostile, "--output", "nowhere.zip")
    assert ended.code != 0
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", ended.err), ascii(ended.err)
    assert "second: line" not in ended.err.splitlines()
