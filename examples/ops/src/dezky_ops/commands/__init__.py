"""The commands, one file each. They read options, call a module, and print what it says."""

import click

from .access_report import access_report
from .backup import backup
from .export_tenant import export_tenant
from .import_tenants import import_tenants
from .load_demo import load_demo
from .restore import restore
from .revoke import revoke
from .usage_report import usage_report
from .verify_trail import verify_trail

COMMANDS: dict[str, click.Command] = {
    command.name or "": command
    for command in (
        import_tenants,
        export_tenant,
        verify_trail,
        access_report,
        revoke,
        usage_report,
        backup,
        restore,
        load_demo,
    )
}
