//! The desired state of a tenant's systems: a pure function of what the store holds.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    domain::{
        DomainVerification, Mailbox, MailboxStatus, Membership, Subscription, Tenant, TenantId, TenantStatus, Terms,
        User, UserId, UserStatus, plan::Catalogue,
    },
};

/// Settings of the systems behind tenants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceSettings {
    /// Issuer whose people are those of the identity system. Default: `default`.
    pub identity_issuer: String,
    /// Plans, for subscriptions without terms. They have the present ones of their plan, or else [`Terms::DEFAULT`].
    pub plans: Catalogue,
    /// Time between two looks at a system that is as it should be. Default: 24 h.
    pub look_interval: Duration,
    /// Domain below which tenants have their hosts, for their own logins.
    pub public_domain: Option<String>,
}

impl Default for WorkspaceSettings {
    fn default() -> Self {
        Self {
            identity_issuer: crate::domain::user::DEFAULT_ISSUER.to_owned(),
            plans: Catalogue::default(),
            look_interval: Duration::from_secs(24 * 60 * 60),
            public_domain: None,
        }
    }
}

/// How a system, or a part of it, should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// There, and in use.
    Active,
    /// There, and not in use.
    Suspended,
    /// Not there.
    Absent,
}

/// The desired group of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesiredGroup {
    /// Tenant, which its marker names.
    pub tenant: TenantId,
    /// Presence. A suspended group keeps its members.
    pub presence: Presence,
    /// Name.
    pub name: String,
}

/// The desired login of a tenant's own, for the members of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesiredLogin {
    /// Tenant, which its marker names.
    pub tenant: TenantId,
    /// Slug of the tenant.
    pub slug: String,
    /// Name shown to people.
    pub name: String,
    /// Host that people sign in at; `None` if tenants have no hosts.
    pub host: Option<String>,
}

impl DesiredLogin {
    /// Returns the address at a host that sign-ins return to, which is the portal's.
    #[must_use]
    pub fn redirect_uri(host: &str) -> String {
        format!("https://{host}/auth/oidc/callback")
    }
}

/// A desired mail domain.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesiredDomain {
    /// Name.
    pub name: String,
    /// Presence.
    pub presence: Presence,
}

/// A desired mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesiredMailbox {
    /// Local part.
    pub local_part: String,
    /// Domain.
    pub domain: String,
    /// Name shown to people.
    pub display_name: Option<String>,
    /// Aliases, sorted.
    pub aliases: Vec<String>,
    /// Bound of its size in bytes.
    pub quota: u64,
    /// Presence.
    pub presence: Presence,
}

/// The desired space for files.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesiredSpace {
    /// Tenant, which its marker names.
    pub tenant: TenantId,
    /// Presence.
    pub presence: Presence,
    /// Name, as the tenant writes it.
    pub name: String,
    /// Bound of its size in bytes.
    pub quota: u64,
    /// Name of the group that edits it.
    pub group: String,
}

/// The desired state of all systems of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Workspace {
    /// The group in the identity system.
    pub group: DesiredGroup,
    /// The login of its own, if it is to have one.
    pub login: Option<DesiredLogin>,
    /// The people in that group.
    pub people: Vec<UserId>,
    /// The mail domains, in the order of the tenant.
    pub domains: Vec<DesiredDomain>,
    /// The mailboxes.
    pub mailboxes: Vec<DesiredMailbox>,
    /// The space for files.
    pub space: DesiredSpace,
}

/// What the store holds of a tenant.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The tenant.
    pub tenant: &'a Tenant,
    /// Its subscription that is not cancelled.
    pub subscription: Option<&'a Subscription>,
    /// Memberships with their people, of those that the question is about.
    pub members: &'a [(Membership, User)],
    /// Mailboxes of those that the question is about.
    pub mailboxes: &'a [Mailbox],
}

/// Computes the desired state of a tenant's systems.
///
/// `grace` is [`crate::service::ServiceSettings::grace`].
#[must_use]
pub fn desired(facts: Facts<'_>, settings: &WorkspaceSettings, grace: Duration, now: Timestamp) -> Workspace {
    let Facts { tenant, subscription, members, mailboxes } = facts;
    let presence = presence(tenant, grace, now);
    let terms = settings.plans.terms_of(subscription, &tenant.plan);
    let group = group_name(tenant);
    let people = members.iter().filter(|(membership, user)| {
        presence != Presence::Absent && membership.active && user.status.counts_as() == UserStatus::Active
    });
    let verified = tenant.domain_verifications.iter().map(|verification| DesiredDomain {
        name: verification.name.clone(),
        presence: of_domain(verification, presence),
    });
    Workspace {
        group: DesiredGroup { tenant: tenant.id, presence, name: group.clone() },
        login: desired_login(tenant, presence, settings),
        people: people.map(|(_, user)| user.id).collect(),
        domains: verified.collect(),
        mailboxes: mailboxes.iter().map(|mailbox| desired_mailbox(mailbox, presence, &terms, now)).collect(),
        space: DesiredSpace { tenant: tenant.id, presence, name: tenant.name.clone(), quota: terms.files_bytes, group },
    }
}

/// Returns how a mail domain should be. One that was lost is kept, and not in use.
fn of_domain(verification: &DomainVerification, tenant: Presence) -> Presence {
    match tenant {
        Presence::Active if verification.lost_at.is_some() => Presence::Suspended,
        presence => presence,
    }
}

/// Returns the desired login. It stays while the tenant is suspended, where the store decides what its tokens may do.
fn desired_login(tenant: &Tenant, presence: Presence, settings: &WorkspaceSettings) -> Option<DesiredLogin> {
    (tenant.isolated_login && presence != Presence::Absent).then(|| DesiredLogin {
        tenant: tenant.id,
        slug: tenant.slug.clone(),
        name: tenant.name.clone(),
        host: settings.public_domain.as_ref().map(|domain| format!("{}.{domain}", tenant.slug)),
    })
}

/// Returns the name of a tenant's group in the identity system.
#[must_use]
pub fn group_name(tenant: &Tenant) -> String {
    tenant.authentik_group.clone().unwrap_or_else(|| tenant.slug.clone())
}

/// Returns how a tenant's systems should be.
#[must_use]
pub fn presence(tenant: &Tenant, grace: Duration, now: Timestamp) -> Presence {
    match tenant.status.counts_as() {
        TenantStatus::Pending | TenantStatus::Active => Presence::Active,
        TenantStatus::Suspended => Presence::Suspended,
        TenantStatus::Deleted if removal(tenant, grace).is_some_and(|time| time <= now) => Presence::Absent,
        TenantStatus::Deleted => Presence::Suspended,
    }
}

/// Time from the end of the grace period to the removal itself.
///
/// An undo that was decided just before the end is stored by then: it is longer than a request with clocks apart.
const AFTER_THE_LAST_UNDO: Duration = Duration::from_secs(60);

/// Returns the time at which controllers begin to remove the data of a tenant, if it is deleted.
#[must_use]
pub fn removal(tenant: &Tenant, grace: Duration) -> Option<Timestamp> {
    tenant.removal_at(grace).map(|time| time.plus(AFTER_THE_LAST_UNDO))
}

fn desired_mailbox(mailbox: &Mailbox, tenant: Presence, terms: &Terms, now: Timestamp) -> DesiredMailbox {
    let due = mailbox.remove_at.is_some_and(|time| time <= now);
    let presence = match (tenant, mailbox.status) {
        (Presence::Absent, _) | (_, MailboxStatus::Removing) => Presence::Absent,
        (_, MailboxStatus::Suspended) if due => Presence::Absent,
        (_, MailboxStatus::Suspended) | (Presence::Suspended, _) => Presence::Suspended,
        (Presence::Active, MailboxStatus::Active) => Presence::Active,
    };
    DesiredMailbox {
        local_part: mailbox.local_part.clone(),
        domain: mailbox.domain.clone(),
        display_name: mailbox.display_name.clone(),
        aliases: mailbox.aliases.clone(),
        quota: mailbox.quota_mebibytes.map_or(terms.mailbox_bytes, |mebibytes| u64::from(mebibytes) << 20),
        presence,
    }
}
