"""Dezky inside a Python process: tenants, people, memberships and subscriptions, and who may see and do what.

Open it, take a scope, and call its methods::

    from dezky import Dezky

    with Dezky.open(store="sqlite:dezky.sqlite") as dezky:
        system = dezky.as_system("nightly-report")
        acme = system.tenants.create(slug="acme", name="Acme GmbH", status="active")
        for tenant in system.tenants.list(status="active"):
            print(tenant.slug, tenant.created_at)

``dezky.as_user(token)`` is a person, whose token and rights are checked at every call, and ``dezky.as_system(name)`` a system actor that
may do everything and stands in the audit trail by that name. A scope has ``me()`` and the resources ``my_tenants``, ``tenants``,
``members``, ``workspace``, ``mailboxes``, ``app_passwords``, ``users``, ``subscriptions`` and ``audit``. Results are frozen and typed;
lists page by themselves; errors are subclasses of ``DezkyError``. ``AsyncDezky`` is the same for asyncio, and ``dezky.asgi`` the whole
HTTP API as an ASGI application.
"""

from __future__ import annotations

from ._async_dezky import AsyncDezky, AsyncScope
from ._dezky import Dezky, Scope
from ._documents import Document, Page, entity_tag, to_dict, to_json
from ._errors import (
    BadRequest,
    ConfigurationError,
    Conflict,
    DezkyError,
    FieldError,
    Forbidden,
    Internal,
    Invalid,
    InvalidToken,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    RateLimited,
    Unavailable,
    UnsupportedMediaType,
)
from ._lists import AsyncListing, Listing
from ._native import VerifiedToken
from ._opening import IssuerOptions
from ._rights import Outcome, Right, Rights
from ._stores import ConfiguredIssuer, Copied, Fingerprint, Settings, check_input, copy_store, fingerprint, settings
from ._types import (
    AppPasswordStatus,
    AppPasswordView,
    AuditActor,
    AuditActorKind,
    AuditEventView,
    AuditHeadView,
    AuditResource,
    BillingInfo,
    Branding,
    Checkpoint,
    Condition,
    ConditionStatus,
    DomainRecordsView,
    DomainVerification,
    Expired,
    ExportRecord,
    GrantSource,
    LauncherLink,
    LauncherView,
    MailboxStatus,
    MailboxView,
    MembershipRole,
    MembershipView,
    Phase,
    ProfileView,
    PublishedRecord,
    Removed,
    SubscriptionStatus,
    SubscriptionView,
    SystemKind,
    SystemStateView,
    TenantStatus,
    TenantView,
    UserRole,
    UserStatus,
    UserView,
    WorkspaceLink,
    WorkspaceLogin,
    WorkspaceView,
)
from ._webhooks import WebhookVerificationError, verify_webhook

__all__ = [
    "AppPasswordStatus",
    "AppPasswordView",
    "AsyncDezky",
    "AsyncListing",
    "AsyncScope",
    "AuditActor",
    "AuditActorKind",
    "AuditEventView",
    "AuditHeadView",
    "AuditResource",
    "BadRequest",
    "BillingInfo",
    "Branding",
    "Checkpoint",
    "Condition",
    "ConditionStatus",
    "ConfigurationError",
    "ConfiguredIssuer",
    "Conflict",
    "Copied",
    "Dezky",
    "DezkyError",
    "Document",
    "DomainRecordsView",
    "DomainVerification",
    "Expired",
    "ExportRecord",
    "FieldError",
    "Fingerprint",
    "Forbidden",
    "GrantSource",
    "Internal",
    "Invalid",
    "InvalidToken",
    "IssuerOptions",
    "LauncherLink",
    "LauncherView",
    "Listing",
    "MailboxStatus",
    "MailboxView",
    "MembershipRole",
    "MembershipView",
    "MethodNotAllowed",
    "NotFound",
    "Outcome",
    "Page",
    "PayloadTooLarge",
    "Phase",
    "PreconditionFailed",
    "ProfileView",
    "PublishedRecord",
    "RateLimited",
    "Removed",
    "Right",
    "Rights",
    "Scope",
    "Settings",
    "SubscriptionStatus",
    "SubscriptionView",
    "SystemKind",
    "SystemStateView",
    "TenantStatus",
    "TenantView",
    "Unavailable",
    "UnsupportedMediaType",
    "UserRole",
    "UserStatus",
    "UserView",
    "VerifiedToken",
    "WebhookVerificationError",
    "WorkspaceLink",
    "WorkspaceLogin",
    "WorkspaceView",
    "check_input",
    "copy_store",
    "entity_tag",
    "fingerprint",
    "settings",
    "to_dict",
    "to_json",
    "verify_webhook",
]
