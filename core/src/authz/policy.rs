//! The policy: actions × callers, and fields × callers. Everything that is not granted here is denied.

use super::{Actor, PlatformRight, Resource};
pub use crate::callers::Callers;
use crate::{
    domain::{
        AddDomain, CreateApiKey, CreateAppPassword, CreateEventEndpoint, CreateInvitation, CreateMailbox,
        CreateSubscription, CreateTenant, CreateUser, GrantMembership, MembershipRole, TenantStatus, UpdateApiKey,
        UpdateEventEndpoint, UpdateMailbox, UpdateMembership, UpdateSubscription, UpdateTenant, UpdateUser,
        input::Settable,
    },
    error::Code,
};

/// An action that a caller requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Create a tenant.
    CreateTenant,
    /// List tenants: the caller's own, or all for the platform.
    ListTenants,
    /// Read a tenant.
    ReadTenant,
    /// Change a tenant; the field rules restrict which fields.
    UpdateTenant,
    /// Delete a tenant.
    DeleteTenant,
    /// Suspend a tenant.
    SuspendTenant,
    /// Restore a suspended tenant, or undo the deletion of one.
    RestoreTenant,
    /// List a tenant's members, or read one.
    ReadMembers,
    /// Grant a membership.
    GrantMembership,
    /// Change the role of a membership.
    UpdateMembership,
    /// Revoke a membership.
    RevokeMembership,
    /// List users.
    ListUsers,
    /// Read a user.
    ReadUser,
    /// Create a user.
    CreateUser,
    /// Change a user.
    UpdateUser,
    /// Erase a user.
    DeleteUser,
    /// List subscriptions: of the caller's own tenants, or all for the platform.
    ListSubscriptions,
    /// Read a subscription.
    ReadSubscription,
    /// Read what a tenant is entitled to, with what it uses.
    ReadEntitlements,
    /// Create a subscription.
    CreateSubscription,
    /// Change a subscription.
    UpdateSubscription,
    /// Delete a subscription.
    DeleteSubscription,
    /// Read a tenant's audit trail.
    ReadTenantAudit,
    /// Read the audit trail of the platform and its users.
    ReadPlatformAudit,
    /// Read the state of the systems behind a tenant.
    ReadWorkspace,
    /// Retry what failed in the systems behind a tenant.
    RetryWorkspace,
    /// Compare the systems behind a tenant, and the DNS records of its domains, with what they should be.
    CheckWorkspace,
    /// Confirm that a system without a connector was set up or removed by hand.
    ConfirmWorkspace,
    /// List a tenant's mailboxes, or read one; a member's own for that member.
    ReadMailboxes,
    /// Create a mailbox.
    CreateMailbox,
    /// Change a mailbox.
    UpdateMailbox,
    /// Remove a mailbox.
    DeleteMailbox,
    /// List the app passwords of a mailbox. Nobody ever reads a password itself.
    ReadAppPasswords,
    /// Create an app password of a mailbox.
    ///
    /// Only the member whose mailbox it is: whoever creates one is shown the password, and reads the mail with it. Neither
    /// the tenant's administrators nor the platform may therefore create one for somebody else. An administrator of the
    /// platform creates one of their own mailbox as the member that they are.
    CreateAppPassword,
    /// Revoke an app password of a mailbox.
    DeleteAppPassword,
    /// Export everything about a tenant.
    ExportTenant,
    /// Export everything about a person.
    ExportUser,
    /// Read the domains of a tenant, and how their proof stands.
    ReadDomains,
    /// Claim a domain for a tenant.
    AddDomain,
    /// Have DNS asked for the proof of a domain.
    CheckDomain,
    /// Take a domain from a tenant.
    RemoveDomain,
    /// List a tenant's invitations, or read one.
    ReadInvitations,
    /// Invite somebody to a tenant, in one role.
    CreateInvitation,
    /// Mail an invitation again.
    ResendInvitation,
    /// Revoke an invitation.
    RevokeInvitation,
    /// Accept an invitation, whose secret is the proof.
    AcceptInvitation,
    /// Open the page on which a tenant is subscribed to a plan.
    BeginCheckout,
    /// Open the page with invoices, payments and cancellation.
    OpenBillingPortal,
    /// Have a subscription billed by the payment provider.
    BillSubscription,
    /// List the API keys of a tenant, or read one. Nobody ever reads a secret.
    ReadApiKeys,
    /// Create an API key of a tenant.
    CreateApiKey,
    /// Change an API key of a tenant.
    UpdateApiKey,
    /// Replace the secret of an API key of a tenant.
    RotateApiKey,
    /// Revoke an API key of a tenant.
    DeleteApiKey,
    /// List API keys, those of the platform too.
    ReadPlatformApiKeys,
    /// Create, change, rotate or revoke an API key of the platform.
    ManagePlatformApiKeys,
    /// Ask what somebody may do: for the platform about everybody, for people about themselves.
    EvaluateAccess,
    /// List the event endpoints of a tenant, or read one with its deliveries.
    ReadEventEndpoints,
    /// List the event endpoints of the platform.
    ReadPlatformEventEndpoints,
    /// Create an event endpoint of a tenant.
    CreateEventEndpoint,
    /// Create an event endpoint of the platform.
    CreatePlatformEventEndpoint,
    /// Change an event endpoint.
    UpdateEventEndpoint,
    /// Give an event endpoint another secret.
    RotateEventEndpoint,
    /// Have events delivered to an endpoint again.
    ReplayEvents,
    /// Remove an event endpoint.
    DeleteEventEndpoint,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
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

const PLATFORM: Callers = Callers::PLATFORM;
const ADMINS: Callers = Callers::ADMINS;
const OWNERS: Callers = Callers::OWNERS;
const MEMBERS: Callers = Callers::MEMBERS;
const EVERYONE: Callers = Callers::EVERYONE;
const SELF: Callers = Callers::SELF;
/// The member whose mailbox it is.
const HOLDER: Callers = Callers::ONESELF;
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
        fields.iter().filter_map(|field| Some((*action, field.name, field.by?)))
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
];

impl From<Action> for &'static str {
    fn from(action: Action) -> Self {
        action.name()
    }
}

impl Action {
    /// Returns the action's row of the table.
    #[must_use]
    pub fn rule(self) -> &'static Rule {
        const NOTHING: Rule = rule(Action::CreateTenant, "nothing", Callers::NOBODY, Callers::NOBODY);
        POLICY.get(self as usize).filter(|rule| rule.action == self).unwrap_or(&NOTHING)
    }

    /// Returns its name in audit events and documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.rule().name
    }

    /// Returns the action of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        POLICY.iter().find(|rule| rule.name == name).map(|rule| rule.action)
    }

    /// Returns `true` if an API key of the platform, or of a tenant, may perform the action once that is among its scopes.
    ///
    /// No key makes or changes keys, so that one that leaked cannot outlive its revocation, and none accepts an invitation.
    #[must_use]
    pub fn is_for_api_keys(self, of_platform: bool) -> bool {
        let personal = matches!(self, Self::AcceptInvitation) || self.rule().name.starts_with("api_key.");
        let (caller, concerned) = match of_platform {
            true => (Callers::ADMIN_BY_CLAIM, true),
            false => (Callers::ADMIN, self.concerns_tenant()),
        };
        !personal && concerned && self.rule().allowed.includes(caller)
    }

    /// Returns `true` for actions on a tenant or a resource of one.
    ///
    /// Then the caller's role in that tenant decides if they may know of it.
    #[must_use]
    pub fn concerns_tenant(self) -> bool {
        let seen = self.rule().seen;
        seen.includes(Callers::MEMBER) && !seen.includes(Callers::STRANGER)
    }
}

/// The reason of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Granted, because the caller is of this kind to the resource.
    Granted(&'static str),
    /// The person is disabled.
    UserDisabled,
    /// The caller may not know that the resource exists.
    NotVisible,
    /// Only the platform's administrators may perform it.
    PlatformOnly,
    /// The caller's role in the tenant is too low.
    RoleTooLow,
    /// Only the member whose mailbox it is may perform it.
    HolderOnly,
    /// Only those with a lasting right may grant or revoke one.
    LastingAdmin,
    /// Only owners may change owners.
    OwnerOnly,
    /// A tenant keeps its last owner.
    LastOwner,
    /// The tenant is suspended and so read-only.
    TenantSuspended,
    /// The tenant is deleted.
    TenantDeleted,
    /// The action is not among those of the API key.
    Scope,
    /// The caller may not set this field.
    Field(&'static str),
}

impl Reason {
    /// Returns the code that the caller is refused with, or `None` if the action is granted.
    #[must_use]
    pub const fn code(self) -> Option<Code> {
        Some(match self {
            Self::Granted(_) => return None,
            Self::UserDisabled => Code::USER_DISABLED,
            Self::NotVisible => Code::NOT_FOUND,
            Self::PlatformOnly => Code::PLATFORM_ADMIN_REQUIRED,
            Self::RoleTooLow => Code::ROLE_INSUFFICIENT,
            Self::HolderOnly => Code::HOLDER_REQUIRED,
            Self::LastingAdmin => Code::GRANTED_ADMIN_REQUIRED,
            Self::OwnerOnly => Code::OWNER_REQUIRED,
            Self::LastOwner => Code::LAST_OWNER,
            Self::TenantSuspended => Code::TENANT_SUSPENDED,
            Self::TenantDeleted => Code::TENANT_DELETED,
            Self::Scope => Code::SCOPE_MISSING,
            Self::Field(_) => Code::FIELD_FORBIDDEN,
        })
    }
}

/// The outcome of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The action may be performed.
    Allow,
    /// It may not, and the caller is told the reason.
    Refuse,
    /// It may not, and to the caller the resource seems not to exist.
    Hide,
}

/// A decision and its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// The outcome.
    pub outcome: Outcome,
    /// The reason.
    pub reason: Reason,
}

impl Decision {
    const fn refuse(reason: Reason) -> Self {
        Self { outcome: Outcome::Refuse, reason }
    }
}

/// Decides if `actor` may perform `action` on `resource`. Pure: everything that matters is in its arguments.
#[must_use]
pub fn decide(actor: &Actor<'_>, action: Action, resource: &Resource<'_>) -> Decision {
    let rule = action.rule();
    if matches!(actor, Actor::User { disabled: true, .. }) {
        return Decision::refuse(Reason::UserDisabled);
    }
    let (caller, name) = caller(actor, resource);
    let seen_through_deletion = Callers::PLATFORM.includes(caller)
        || resource.tenant.is_none_or(|tenant| tenant.status != TenantStatus::Deleted);
    if !rule.seen.includes(caller) || !seen_through_deletion {
        return Decision { outcome: Outcome::Hide, reason: Reason::NotVisible };
    }
    if !rule.allowed.includes(caller) {
        // Owners may perform every action that any role of a tenant may.
        let reason = match () {
            () if rule.allowed == HOLDER => Reason::HolderOnly,
            () if rule.allowed.includes(Callers::OWNER) => Reason::RoleTooLow,
            () => Reason::PlatformOnly,
        };
        return Decision::refuse(reason);
    }
    if let Actor::ApiKey { platform, scopes } = actor
        && !(action.is_for_api_keys(*platform) && scopes.iter().any(|scope| scope == rule.name))
    {
        return Decision::refuse(Reason::Scope);
    }
    match obstacle(caller, rule, resource) {
        Some(reason) => Decision::refuse(reason),
        None => Decision { outcome: Outcome::Allow, reason: Reason::Granted(name) },
    }
}

/// Returns the kind of caller that the actor is to the resource.
fn caller(actor: &Actor<'_>, resource: &Resource<'_>) -> (Callers, &'static str) {
    let (platform, bound_to) = match actor {
        Actor::System => return (Callers::SYSTEM, "system"),
        // Whatever it does ends with the key, and so it never makes or unmakes what outlives that.
        Actor::ApiKey { platform: true, .. } => return (Callers::ADMIN_BY_CLAIM, "API key of the platform"),
        Actor::ApiKey { platform: false, .. } => {
            return (MembershipRole::caller(resource.role), "API key of the tenant");
        }
        Actor::User { platform, bound_to, .. } => (*platform, *bound_to),
    };
    // The token of a tenant's own issuer is valid for that tenant only, and never for the platform.
    match platform {
        PlatformRight::Lasting if bound_to.is_none() => return (Callers::PLATFORM_ADMIN, "platform admin"),
        PlatformRight::ByClaim if bound_to.is_none() => return (Callers::ADMIN_BY_CLAIM, "platform admin by claim"),
        _ => {}
    }
    let within = match (bound_to, resource.tenant) {
        (Some(slug), Some(tenant)) => slug == tenant.slug,
        (Some(_), None) => false,
        (None, _) => true,
    };
    // What a tenant gives to one of its members is theirs for as long as they are one.
    if resource.oneself && (resource.tenant.is_none() || (within && resource.role.is_some())) {
        return (Callers::ONESELF, "oneself");
    }
    match resource.role {
        Some(MembershipRole::Owner) if within => (Callers::OWNER, "owner"),
        Some(MembershipRole::Admin) if within => (Callers::ADMIN, "admin"),
        Some(MembershipRole::Member) if within => (Callers::MEMBER, "member"),
        _ => (Callers::STRANGER, "anybody"),
    }
}

/// Returns the reason, if any, to refuse a caller to whom the table allows the action.
fn obstacle(caller: Callers, rule: &Rule, resource: &Resource<'_>) -> Option<Reason> {
    let platform = Callers::PLATFORM.includes(caller);
    if let Some(tenant) = resource.tenant {
        match tenant.status {
            TenantStatus::Deleted if !rule.when_deleted => return Some(Reason::TenantDeleted),
            TenantStatus::Suspended if !platform && !rule.while_suspended => return Some(Reason::TenantSuspended),
            _ => {}
        }
    }
    let lasting = |(action, field, allowed): &(Action, Option<&str>, Callers)| {
        let touched = field.is_none_or(|field| resource.fields.contains(&field));
        *action == rule.action && touched && !allowed.includes(caller)
    };
    if resource.lasting_admin && LASTING_ADMIN_POLICY.iter().any(lasting) {
        return Some(Reason::LastingAdmin);
    }
    let target = resource.target;
    if !platform {
        let touches_owner = [target.current, target.wanted].contains(&Some(MembershipRole::Owner));
        if touches_owner && caller != Callers::OWNER {
            return Some(Reason::OwnerOnly);
        }
        if target.last_owner && target.wanted != Some(MembershipRole::Owner) {
            return Some(Reason::LastOwner);
        }
    }
    let rules = settable(rule.action);
    let forbidden = |name: &&'static str| {
        rules.iter().any(|field| field.name == *name && field.by.is_some_and(|allowed| !allowed.includes(caller)))
    };
    resource.fields.iter().copied().find(forbidden).map(Reason::Field)
}

/// Returns those of `fields` that the actor may not set.
#[must_use]
pub fn forbidden_fields(actor: &Actor<'_>, action: Action, resource: &Resource<'_>) -> Vec<&'static str> {
    let refused = |field: &&'static str| {
        let decision = decide(actor, action, &Resource { fields: &[field], ..*resource });
        decision.reason == Reason::Field(field)
    };
    resource.fields.iter().copied().filter(refused).collect()
}
