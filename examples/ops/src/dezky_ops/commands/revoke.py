"""`revoke`: all access of a person ends now."""

import sys
from pathlib import Path

import click

from ..command_line import PATH, Common, common, confirm
from ..failure import Exit, Failure
from ..output import table
from ..people import find_person, shown, tenants_of
from ..portability.archive import timestamp
from ..revocation import Revocation
from ..revocation import revoke as end_access

LONGEST_TOKEN = 16 * 1024


@click.command("revoke")
@click.argument("person")
@click.option(
    "--token-file",
    type=PATH,
    help="An access token of this person (`-` is standard input), tried before and after. It is never printed.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common(writes=True)
def revoke(common: Common, person: str, token_file: Path | None, yes: bool) -> int:
    """End all access of PERSON now, and prove it.

    PERSON is an id, ISSUER/SUBJECT, or an e-mail address that only one has.

    In one commit the account is disabled, all tokens issued until now are refused, and the right to administer the
    platform goes; then each membership is revoked, so that no sign-in and no group brings it back. The proof asks the
    store and the policy again, and with --token-file the API itself with the person's own token. Exit code 1 if
    anything is still allowed.

    To let the person in again: `dezky user restore`, then `dezky member create` for each tenant.
    """
    token = read_token(token_file) if token_file is not None else None
    output = common.output
    with common.opened() as platform:
        scope = platform.as_system(common.actor)
        user = find_person(scope, person)
        if token is not None and platform.verify(token).subject != user.authentik_subject_id:
            raise Failure(Exit.USAGE, "token_of_another", "the token is of another person: it would prove nothing")
        if common.dry_run:
            slugs = sorted(tenant.slug for tenant in tenants_of(scope, user))
            output.document({"dryRun": True, "userId": user.id, "tenants": slugs, "platformAdmin": user.platform_admin})
            output.line(f"would disable {shown(user)} and refuse all tokens issued until now")
            output.line(f"would revoke the memberships in: {', '.join(slugs) or 'no tenant'}")
            return Exit.DONE
        confirm(f"End all access of {shown(user)} now?", yes=yes)
        with output.progress("revoking"):
            done = end_access(platform, common.actor, user, token)
    return report(common, done)


def read_token(path: Path) -> str:
    """The token, wherever it comes from; it is shown nowhere."""
    try:
        text = sys.stdin.read(LONGEST_TOKEN + 2) if str(path) == "-" else path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise Failure(Exit.USAGE, "unreadable_token", f"`{path}` cannot be read as a token") from None
    return text.strip().removeprefix("Bearer ").strip()


def report(common: Common, done: Revocation) -> int:
    """The proof, for people and for programs."""
    output = common.output
    proof = table("check", "before", "after", "")
    for check in done.checks:
        proof.add_row(check.what, check.before, check.after, "holds" if check.holds else "DOES NOT HOLD")
    output.table(proof)
    events = [
        {"at": timestamp(event.at), "id": event.id, "action": event.action, "requestId": event.request_id}
        for event in done.events
    ]
    output.document(
        {
            "userId": done.person.id,
            "revoked": done.revoked,
            "proven": done.proven,
            "checks": [check.as_json() for check in done.checks],
            "auditEvents": events,
        }
    )
    output.line()
    output.line(
        f"revoked memberships: {', '.join(done.revoked) or 'none'}; {len(events)} events in the audit trail as "
        f"`{common.actor}`"
    )
    if not done.proven:
        output.warning(
            "not_proven: something is still allowed, see the table: run the command again, and tell who "
            "operates the platform"
        )
        return Exit.FAILED
    output.line(f"{shown(done.person)} has no access any more")
    output.note("the account at the identity provider is not touched: disable it there too, for all other applications")
    return Exit.DONE
