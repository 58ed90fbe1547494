//! Actions that a caller requests, each with its row of the policy.

use super::policy::{NOTHING, POLICY, Rule};
use crate::callers::Callers;

macro_rules! actions {
    ($($(#[$about:meta])+ $action:ident,)+) => {
        /// An action that a caller requests.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action {$(
            $(#[$about])+
            $action,
        )+}

        impl Action {
            /// All actions, in the order of the policy.
            pub const ALL: &[Self] = &[$(Self::$action),+];
        }
    };
}

actions! {
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
    /// Read the people and groups that a tenant's own identity provider has pushed.
    ReadDirectory,
    /// Push people and groups of a tenant's own identity provider.
    ProvisionDirectory,
    /// Read the people and groups that an identity provider of the platform has pushed.
    ReadPlatformDirectory,
    /// Push people and groups of an identity provider of the platform.
    ProvisionPlatformDirectory,
}

impl From<Action> for &'static str {
    fn from(action: Action) -> Self {
        action.name()
    }
}

impl Action {
    /// Returns the action's row of the table.
    #[must_use]
    pub fn rule(self) -> &'static Rule {
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
            false => (self.as_key_of_tenant(), self.concerns_tenant()),
        };
        !personal && concerned && self.rule().allowed.includes(caller)
    }

    /// Returns `true` for what a key may do for a tenant and its administrators may not: only its owners give it to a key.
    ///
    /// An identity provider ends the access of everybody, of owners too, whom administrators do not manage.
    #[must_use]
    pub fn is_given_by_owners(self) -> bool {
        self == Self::ProvisionDirectory
    }

    /// Returns the caller that an API key of a tenant is to it.
    pub(super) fn as_key_of_tenant(self) -> Callers {
        if self.is_given_by_owners() { Callers::OWNER } else { Callers::ADMIN }
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
