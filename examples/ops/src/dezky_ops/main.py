"""The programs: `dezky-ops COMMAND`, and each command as a program of its own, `dezky-COMMAND`."""

import click

from .command_line import start
from .commands import COMMANDS

EXIT_CODES = """\b
Exit codes: 0 done; 1 failed; 2 the command, a setting or a file is wrong;
3 there is nothing of that name; 4 the state of something is in the way;
5 not available now, try again; 6 not confirmed; 7 done, and something is
left to a person; 130 interrupted."""


@click.group(
    help=f"Operators' scripts for Dezky.\n\n{EXIT_CODES}", context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="dezky-ops", prog_name="dezky-ops")
def group() -> None:
    """All commands."""


for _command in COMMANDS.values():
    group.add_command(_command)


def main() -> None:
    """`dezky-ops`."""
    start(group, "dezky-ops")


def access_report() -> None:
    """`dezky-access-report`."""
    start(COMMANDS["access-report"], "dezky-access-report")


def backup() -> None:
    """`dezky-backup`."""
    start(COMMANDS["backup"], "dezky-backup")


def export_tenant() -> None:
    """`dezky-export-tenant`."""
    start(COMMANDS["export-tenant"], "dezky-export-tenant")


def import_tenants() -> None:
    """`dezky-import-tenants`."""
    start(COMMANDS["import-tenants"], "dezky-import-tenants")


def load_demo() -> None:
    """`dezky-load-demo`."""
    start(COMMANDS["load-demo"], "dezky-load-demo")


def restore() -> None:
    """`dezky-restore`."""
    start(COMMANDS["restore"], "dezky-restore")


def revoke() -> None:
    """`dezky-revoke`."""
    start(COMMANDS["revoke"], "dezky-revoke")


def usage_report() -> None:
    """`dezky-usage-report`."""
    start(COMMANDS["usage-report"], "dezky-usage-report")


def verify_trail() -> None:
    """`dezky-verify-trail`."""
    start(COMMANDS["verify-trail"], "dezky-verify-trail")
