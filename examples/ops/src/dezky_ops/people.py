"""Naming people: by id, by `ISSUER/SUBJECT`, or by an e-mail address that only one has."""

import re
from collections.abc import Iterator

from dezky import NotFound, Scope, TenantView, UserView

from .failure import Exit, Failure

ID = re.compile(r"[0-9a-f]{24}")


def find_person(scope: Scope, reference: str) -> UserView:
    """The one person whom the reference names.

    Raises `Failure` when there is nobody, or more than one.
    """
    if ID.fullmatch(reference):
        try:
            return scope.users.get(reference)
        except NotFound:
            raise nobody(reference) from None
    if "@" in reference and "/" not in reference:
        wanted = reference.casefold()
        return only_one(
            reference, [user for user in scope.users.list(email=reference) if (user.email or "").casefold() == wanted]
        )
    issuer, separator, subject = reference.partition("/")
    if not separator:
        raise Failure(
            Exit.USAGE, "invalid_person", f"`{reference}` names nobody: give an id, ISSUER/SUBJECT or an e-mail address"
        )
    for user in scope.users.list():
        if user.issuer_id == issuer and user.authentik_subject_id == subject:
            return user
    raise nobody(reference)


def only_one(reference: str, found: list[UserView]) -> UserView:
    """The only one of those who were found."""
    match found:
        case [user]:
            return user
        case []:
            raise nobody(reference)
        case _:
            people = tuple(
                f"{user.id}  {user.issuer_id}/{user.authentik_subject_id}  {user.name or ''}" for user in found
            )
            raise Failure(
                Exit.CONFLICT,
                "several_people",
                f"{len(found)} people have the address `{reference}`: name one by id",
                people,
            )


def nobody(reference: str) -> Failure:
    """There is no such person."""
    return Failure(
        Exit.NOT_FOUND, "person_not_found", f"nobody is known as `{reference}`: `dezky user list` shows who is"
    )


def find_tenant(scope: Scope, reference: str) -> TenantView:
    """The tenant of an id or a slug."""
    try:
        return scope.tenants.get(reference)
    except NotFound:
        raise Failure(
            Exit.NOT_FOUND,
            "tenant_not_found",
            f"no tenant is known as `{reference}`: `dezky tenant list` shows which are",
        ) from None


SHOWN_AT_ONCE = 100
"""How many tenants a user's document names at the most."""


def tenants_of(scope: Scope, user: UserView) -> Iterator[TenantView]:
    """The tenants in which a person has a membership in force."""
    if len(user.tenant_ids) < SHOWN_AT_ONCE:
        for tenant_id in user.tenant_ids:
            yield scope.tenants.get(tenant_id)
        return
    # The document names no more: every tenant is asked.
    for tenant in scope.tenants.list():
        try:
            scope.members.get(tenant.id, user.id)
        except NotFound:
            continue
        yield tenant


def shown(user: UserView) -> str:
    """A person in a line of text."""
    known = user.name or user.email or f"{user.issuer_id}/{user.authentik_subject_id}"
    return f"{known} ({user.email or user.id})" if known != user.email else known
