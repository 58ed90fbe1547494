"""What all commands have in common: options, opening the platform, and ending."""

import errno
import functools
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TypeVar

import click
from dezky import Dezky, DezkyError, Scope

from .failure import Exit, Failure, of_error
from .output import Output, shown
from .snapshots.location import Location, located

Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Common:
    """What every command is told."""

    store: str | None
    config: Path | None
    actor: str
    dry_run: bool
    output: Output

    def __repr__(self) -> str:
        # A store may hold a password.
        return f"Common(config={self.config!r}, actor={self.actor!r}, dry_run={self.dry_run!r})"

    @contextmanager
    def opened(self) -> Iterator[Dezky]:
        """The platform. What runs beside the calls of a server does not run in a command."""
        with Dezky.open(store=self.store, config=self.config, log="error") as platform:
            yield platform

    @contextmanager
    def scope(self) -> Iterator[Scope]:
        """The platform as the system actor."""
        with self.opened() as platform:
            yield platform.as_system(self.actor)

    def location(self) -> Location:
        """Where the store is, without opening it."""
        import dezky

        return located(dezky.settings(store=self.store, config=self.config).store)


PATH = click.Path(path_type=Path)


def choice(kind: type[StrEnum]) -> click.Choice[str]:
    """One of these texts."""
    return click.Choice([str(member) for member in kind])


def common(*, writes: bool) -> Callable[[Command], Command]:
    """The options of every command, handed over as one `Common`."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def called(
            store: str | None,
            config: Path | None,
            actor: str,
            as_json: bool,
            quiet: bool,
            dry_run: bool = False,
            **others: Any,
        ) -> Any:
            output = Output(as_json=as_json, quiet=quiet)
            return command(common=Common(store, config, actor, dry_run, output), **others)

        options = [
            click.option(
                "--store",
                metavar="LOCATION",
                help="sqlite:PATH, mongodb://… or file:PATH; else what the settings name.",
            ),
            click.option("--config", type=PATH, help="The configuration file; else DEZKY_CONFIG, else ./dezky.toml."),
            click.option(
                "--as",
                "actor",
                default="operator",
                show_default=True,
                help="Name of the system actor in the audit trail.",
            ),
            click.option("--json", "as_json", is_flag=True, help="Print JSON for programs, one document a line."),
            click.option("--quiet", is_flag=True, help="No progress and no words beside the results."),
        ]
        if writes:
            options.insert(
                0, click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
            )
        decorated: Any = called
        for option in reversed(options):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate


def confirm(question: str, *, yes: bool) -> None:
    """Asks before something that cannot be undone; where nobody can be asked, `--yes` must say it.

    Raises `Failure` when the answer is no.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Failure(Exit.NOT_CONFIRMED, "confirmation_required", f"{question} Pass --yes to do it.")
    if not click.confirm(shown(question), err=True):
        raise Failure(Exit.NOT_CONFIRMED, "not_confirmed", "nothing was done")


class Interrupted(KeyboardInterrupt):
    """Another signal than Ctrl-C asks to end."""


def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Ends as Ctrl-C does, so that temporary files go."""
    raise Interrupted


def run(command: click.Command, arguments: Sequence[str] | None = None, name: str | None = None) -> int:
    """Runs a command to its end; its exit code."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in arguments
    try:
        code = command.main(args=arguments, prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        # Declared final for type checkers alone; what it prints is put together from it, with the usage around.
        object.__setattr__(error, "message", shown(error.message))
        error.show()
        return error.exit_code
    except Failure as failure:
        return told(failure, as_json=as_json)
    except DezkyError as error:
        return told(of_error(error), as_json=as_json)
    except BrokenPipeError:
        # Nobody reads on, which is no failure; Python must not try to write the rest.
        sys.stdout = None
        return Exit.DONE
    except OSError as error:
        place = f"`{error.filename}`: " if error.filename else ""
        if error.errno == errno.ENOSPC:
            message = f"{place}no space is left: make room, and run the same command again; nothing half-done was kept"
            return told(Failure(Exit.FAILED, "no_space", message), as_json=as_json)
        return told(Failure(Exit.FAILED, "system_error", f"{place}{error.strerror or error}"), as_json=as_json)
    except (KeyboardInterrupt, click.Abort):
        return told(
            Failure(Exit.INTERRUPTED, "interrupted", "ended before it was done; what was done stays"), as_json=as_json
        )
    return int(code or Exit.DONE)


def told(failure: Failure, *, as_json: bool) -> int:
    """Says why a command ends."""
    output = Output(as_json=as_json, quiet=False)
    for line in failure.lines():
        output.warning(line)
    output.document(failure.as_json())
    return int(failure.exit_code)


def start(command: click.Command, name: str) -> NoReturn:
    """Runs a command as a process."""
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(run(command, name=name))
