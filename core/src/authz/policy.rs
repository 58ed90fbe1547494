//! The policy: actions × callers, and fields × callers. Everything that is not granted here is denied.

use super::Action;
use crate::{
    callers::Callers,
    domain::{
        AddDomain, CreateApiKey, CreateAppPassword, CreateEventEndpoint, CreateInvitation, CreateMailbox,
        CreateSubscription, CreateTenant, CreateUser, GrantMembership, UpdateApiKey, UpdateEventEndpoint,
        UpdateMailbox, UpdateMembership, UpdateSubscription, UpdateTenant, UpdateUser, input::Settable,
    },
};

/// A row of the table.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Rule {
    /// The action.
    pub action: Action,
    /// Its name in audit events and documentation.
    pub name: &'static str,
    /// The callers that may perform it.
    pub allowed: Callers,
    /// The callers that may know that the resource exists. To others it seems absent.
    pub seen: Callers,
    /// `true` if a tenant's own people may perform it while the tenant is suspended.
    pub while_suspended: bool,
    /// `true` if it may be performed on a deleted tenant.
    pub when_deleted: bool,
}

const fn rule(action: Action, name: &'static str, allowed: Callers, seen: Callers) -> Rule {
    Rule { action, name, allowed, seen, while_suspended: false, when_deleted: false }
}

const fn reading(action: Action, name: &'static str, allowed: Callers, seen: Callers) -> Rule {
    Rule { action, name, allowed, seen, while_suspended: true, when_deleted: true }
}

/// The row of an action that is not in the table: nobody may perform it.
pub(super) const NOTHING: Rule = rule(Action::CreateTenant, "nothing", Callers::NOBODY, Callers::NOBODY);

const PLATFORM: Callers = Callers::PLATFORM;
const ADMINS: Callers = Callers::ADMINS;
const OWNERS: Callers = Callers::OWNERS;
const MEMBERS: Callers = Callers::MEMBERS;
const EVERYONE: Callers = Callers::EVERYONE;
const SELF: Callers = Callers::SELF;
/// The member whose mailbox it is.
pub(super) const HOLDER: Callers = Callers::ONESELF;
/// Administrators of the tenant, and the member whose mailbox it is.
const ADMINS_AND_HOLDER: Callers = Callers::ADMINS.and(HOLDER);
const MEMBERS_AND_HOLDER: Callers = Callers::MEMBERS.and(HOLDER);

/// The table. A test checks that it has every action, in the order of [`Action`].
pub const POLICY: &[Rule] = &[
    rule(Action::CreateTenant, "tenant.create", PLATFORM, EVERYONE),
    reading(Action::ListTenants, "tenant.list", EVERYONE, EVERYONE),
    reading(Action::ReadTenant, "tenant.read", MEMBERS, MEMBERS),
    rule(Action::UpdateTenant, "tenant.update", ADMINS, MEMBERS),
    rule(Action::DeleteTenant, "tenant.delete", PLATFORM, MEMBERS),
    rule(Action::SuspendTenant, "tenant.suspend", PLATFORM, MEMBERS),
    Rule { when_deleted: true, ..rule(Action::RestoreTenant, "tenant.restore", PLATFORM, MEMBERS) },
    reading(Action::ReadMembers, "membership.read", MEMBERS, MEMBERS),
    rule(Action::GrantMembership, "membership.grant", ADMINS, MEMBERS),
    rule(Action::UpdateMembership, "membership.update", ADMINS, MEMBERS),
    Rule {
        action: Action::RevokeMembership,
        name: "membership.revoke",
        allowed: ADMINS,
        seen: MEMBERS,
        while_suspended: true,
        when_deleted: true,
    },
    reading(Action::ListUsers, "user.list", PLATFORM, EVERYONE),
    reading(Action::ReadUser, "user.read", SELF, SELF),
    rule(Action::CreateUser, "user.create", PLATFORM, EVERYONE),
    rule(Action::UpdateUser, "user.update", PLATFORM, SELF),
    rule(Action::DeleteUser, "user.delete", PLATFORM, SELF),
    reading(Action::ListSubscriptions, "subscription.list", EVERYONE, EVERYONE),
    reading(Action::ReadSubscription, "subscription.read", MEMBERS, MEMBERS),
    reading(Action::ReadEntitlements, "entitlements.read", ADMINS, MEMBERS),
    rule(Action::CreateSubscription, "subscription.create", PLATFORM, MEMBERS),
    Rule { when_deleted: true, ..rule(Action::UpdateSubscription, "subscription.update", PLATFORM, MEMBERS) },
    Rule { when_deleted: true, ..rule(Action::DeleteSubscription, "subscription.delete", PLATFORM, MEMBERS) },
    reading(Action::ReadTenantAudit, "audit.read_tenant", ADMINS, MEMBERS),
    reading(Action::ReadPlatformAudit, "audit.read_platform", PLATFORM, EVERYONE),
    reading(Action::ReadWorkspace, "workspace.read", MEMBERS, MEMBERS),
    Rule { when_deleted: true, ..rule(Action::RetryWorkspace, "workspace.retry", ADMINS, MEMBERS) },
    Rule { when_deleted: true, ..rule(Action::CheckWorkspace, "workspace.check", ADMINS, MEMBERS) },
    Rule { when_deleted: true, ..rule(Action::ConfirmWorkspace, "workspace.confirm", PLATFORM, MEMBERS) },
    reading(Action::ReadMailboxes, "mailbox.read", ADMINS_AND_HOLDER, MEMBERS_AND_HOLDER),
    rule(Action::CreateMailbox, "mailbox.create", ADMINS, MEMBERS),
    rule(Action::UpdateMailbox, "mailbox.update", ADMINS, MEMBERS),
    rule(Action::DeleteMailbox, "mailbox.delete", ADMINS, MEMBERS),
    reading(Action::ReadAppPasswords, "app_password.read", ADMINS_AND_HOLDER, MEMBERS_AND_HOLDER),
    rule(Action::CreateAppPassword, "app_password.create", HOLDER, MEMBERS_AND_HOLDER),
    // A credential that has been lost is revoked whatever the tenant's state is.
    Rule {
        while_suspended: true,
        when_deleted: true,
        ..rule(Action::DeleteAppPassword, "app_password.delete", ADMINS_AND_HOLDER, MEMBERS_AND_HOLDER)
    },
    reading(Action::ExportTenant, "tenant.export", OWNERS, MEMBERS),
    reading(Action::ExportUser, "user.export", SELF, SELF),
    reading(Action::ReadDomains, "domain.read", MEMBERS, MEMBERS),
    rule(Action::AddDomain, "domain.add", ADMINS, MEMBERS),
    rule(Action::CheckDomain, "domain.check", ADMINS, MEMBERS),
    rule(Action::RemoveDomain, "domain.remove", ADMINS, MEMBERS),
    reading(Action::ReadInvitations, "invitation.read", ADMINS, MEMBERS),
    rule(Action::CreateInvitation, "invitation.create", ADMINS, MEMBERS),
    rule(Action::ResendInvitation, "invitation.resend", ADMINS, MEMBERS),
    Rule {
        while_suspended: true,
        when_deleted: true,
        ..rule(Action::RevokeInvitation, "invitation.revoke", ADMINS, MEMBERS)
    },
    rule(Action::AcceptInvitation, "invitation.accept", EVERYONE, EVERYONE),
    // A tenant that is suspended because of a late payment is to be paid.
    Rule { while_suspended: true, ..rule(Action::BeginCheckout, "billing.checkout", OWNERS, MEMBERS) },
    Rule { while_suspended: true, ..rule(Action::OpenBillingPortal, "billing.portal", OWNERS, MEMBERS) },
    rule(Action::BillSubscription, "subscription.bill", PLATFORM, MEMBERS),
    reading(Action::ReadApiKeys, "api_key.read", ADMINS, MEMBERS),
    rule(Action::CreateApiKey, "api_key.create", ADMINS, MEMBERS),
    rule(Action::UpdateApiKey, "api_key.update", ADMINS, MEMBERS),
    rule(Action::RotateApiKey, "api_key.rotate", ADMINS, MEMBERS),
    Rule { while_suspended: true, when_deleted: true, ..rule(Action::DeleteApiKey, "api_key.delete", ADMINS, MEMBERS) },
    reading(Action::ReadPlatformApiKeys, "api_key.read_platform", PLATFORM, EVERYONE),
    // A key of the platform outlives the claim by which somebody administers it.
    rule(Action::ManagePlatformApiKeys, "api_key.manage_platform", Callers::LASTING, EVERYONE),
    reading(Action::EvaluateAccess, "access.evaluate", SELF, EVERYONE),
    reading(Action::ReadEventEndpoints, "event_endpoint.read", ADMINS, MEMBERS),
    reading(Action::ReadPlatformEventEndpoints, "event_endpoint.read_platform", PLATFORM, EVERYONE),
    rule(Action::CreateEventEndpoint, "event_endpoint.create", ADMINS, MEMBERS),
    rule(Action::CreatePlatformEventEndpoint, "event_endpoint.create_platform", PLATFORM, EVERYONE),
    rule(Action::UpdateEventEndpoint, "event_endpoint.update", ADMINS, MEMBERS),
    rule(Action::RotateEventEndpoint, "event_endpoint.rotate", ADMINS, MEMBERS),
    rule(Action::ReplayEvents, "event_endpoint.replay", ADMINS, MEMBERS),
    Rule {
        while_suspended: true,
        when_deleted: true,
        ..rule(Action::DeleteEventEndpoint, "event_endpoint.delete", ADMINS, MEMBERS)
    },
    reading(Action::ReadDirectory, "directory.read", ADMINS, MEMBERS),
    // An identity provider takes people away from a suspended tenant, too.
    Rule { while_suspended: true, ..rule(Action::ProvisionDirectory, "directory.provision", OWNERS, MEMBERS) },
    reading(Action::ReadPlatformDirectory, "directory.read_platform", PLATFORM, EVERYONE),
    rule(Action::ProvisionPlatformDirectory, "directory.provision_platform", PLATFORM, EVERYONE),
];

/// The fields that actions may set, from the declarations of their inputs.
const SETTABLE: &[(Action, &[Settable])] = &[
    (Action::CreateTenant, CreateTenant::FIELDS),
    (Action::UpdateTenant, UpdateTenant::FIELDS),
    (Action::GrantMembership, GrantMembership::FIELDS),
    (Action::UpdateMembership, UpdateMembership::FIELDS),
    (Action::CreateUser, CreateUser::FIELDS),
    (Action::UpdateUser, UpdateUser::FIELDS),
    (Action::CreateSubscription, CreateSubscription::FIELDS),
    (Action::UpdateSubscription, UpdateSubscription::FIELDS),
    (Action::CreateMailbox, CreateMailbox::FIELDS),
    (Action::UpdateMailbox, UpdateMailbox::FIELDS),
    (Action::CreateAppPassword, CreateAppPassword::FIELDS),
    (Action::AddDomain, AddDomain::FIELDS),
    (Action::CreateInvitation, CreateInvitation::FIELDS),
    (Action::CreateApiKey, CreateApiKey::FIELDS),
    (Action::UpdateApiKey, UpdateApiKey::FIELDS),
    (Action::CreateEventEndpoint, CreateEventEndpoint::FIELDS),
    (Action::UpdateEventEndpoint, UpdateEventEndpoint::FIELDS),
];

/// Returns the fields that an action may set.
#[must_use]
pub fn settable(action: Action) -> &'static [Settable] {
    SETTABLE.iter().find(|(one, _)| *one == action).map_or(&[], |(_, fields)| fields)
}

/// Iterates over the fields that fewer callers may set than may perform the action, with those callers.
pub fn field_policy() -> impl Iterator<Item = (Action, &'static str, Callers)> {
    let of_action = |(action, fields): &'static (Action, &'static [Settable])| {
        let fewer = |by: &Callers| !by.contain(action.rule().allowed);
        fields.iter().filter_map(move |field| Some((*action, field.name, field.by.filter(fewer)?)))
    };
    SETTABLE.iter().flat_map(of_action)
}

/// The callers that may grant or revoke a lasting right to administer the platform: the action, its field, and they.
///
/// The field is `None` if the action always affects such a right. Other administrators are excluded so that a person
/// who is put into the group for an hour can neither make themselves a lasting administrator nor remove those who could
/// stop them.
pub const LASTING_ADMIN_POLICY: &[(Action, Option<&str>, Callers)] = &[
    (Action::CreateUser, Some("platformAdmin"), Callers::LASTING),
    (Action::UpdateUser, Some("platformAdmin"), Callers::LASTING),
    (Action::UpdateUser, Some("status"), Callers::LASTING),
    (Action::UpdateUser, Some("tokensValidAfter"), Callers::LASTING),
    (Action::DeleteUser, None, Callers::LASTING),
    (Action::ProvisionDirectory, Some("active"), Callers::LASTING),
    (Action::ProvisionPlatformDirectory, Some("active"), Callers::LASTING),
];
