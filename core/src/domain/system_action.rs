//! Actions that the platform performs by itself, with their names in the audit trail and in events.
//!
//! Actions that callers ask for have their names in the table of the policy.

macro_rules! system_actions {
    ($($(#[doc = $about:literal])+ $action:ident = $name:literal;)+) => {
        $($(#[doc = $about])+ pub const $action: &str = $name;)+

        /// All of them: the name, and what has happened.
        pub const SYSTEM_ACTIONS: &[(&str, &str)] = &[$(($name, concat!($($about),+))),+];
    };
}

system_actions! {
    /// Audit events that are older than the settings allow were removed.
    AUDIT_RETAIN = "audit.retain";
    /// The record of a claim was seen, and another tenant has the domain.
    DOMAIN_CONTEST = "domain.contest";
    /// A claim of a domain has expired without proof.
    DOMAIN_EXPIRE = "domain.expire";
    /// A domain is lost, since its proof was gone for too long.
    DOMAIN_LOSE = "domain.lose";
    /// A domain waits for its proof again.
    DOMAIN_UNVERIFY = "domain.unverify";
    /// A domain is proven.
    DOMAIN_VERIFY = "domain.verify";
    /// The proof of a domain is gone; the domain will be lost unless it comes back.
    DOMAIN_WARN = "domain.warn";
    /// An endpoint for events was made inactive, since it is gone.
    EVENT_ENDPOINT_DISABLE = "event_endpoint.disable";
    /// The mail of an invitation came back.
    INVITATION_BOUNCE = "invitation.bounce";
    /// An invitation has expired.
    INVITATION_EXPIRE = "invitation.expire";
    /// The mail of an invitation was refused.
    INVITATION_FAIL = "invitation.fail";
    /// The mail of an invitation was taken by the mail server.
    INVITATION_SEND = "invitation.send";
    /// An invitation was closed, since its tenant is deleted.
    INVITATION_WITHDRAW = "invitation.withdraw";
    /// The mail of a notice was refused, or not taken in time.
    NOTICE_FAIL = "notice.fail";
    /// The mail of a notice was taken by the mail server.
    NOTICE_SEND = "notice.send";
    /// A system behind a tenant is ready.
    SYSTEM_READY = "system.ready";
    /// A system behind a tenant is removed.
    SYSTEM_REMOVED = "system.removed";
    /// The controllers have set something of a tenant.
    TENANT_PROVISION = "tenant.provision";
    /// The data of a deleted tenant was removed.
    TENANT_PURGE = "tenant.purge";
    /// A part of what is known of an erased person was removed.
    USER_ERASE = "user.erase";
    /// Something in a system behind a tenant was changed.
    WORKSPACE_RECONCILE = "workspace.reconcile";
}
