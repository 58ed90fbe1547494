//! The login of a tenant's own.

use crate::{
    connectors::{ConnectorResult, Identity, Login, NewLogin},
    context::RequestContext,
    workspace::{desired::DesiredLogin, plan::Plan},
};

/// Type of the condition about the login.
pub const LOGIN_READY: &str = "LoginReady";

/// A change of the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginChange {
    /// Creates the login, or what is missing of it.
    Create,
    /// Sets what differs.
    Repair,
}

impl LoginChange {
    /// Returns the name of the change in the audit trail.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "login.create",
            Self::Repair => "login.repair",
        }
    }
}

/// Observes the login.
///
/// # Errors
/// The connector's.
pub async fn observe(
    identity: &dyn Identity,
    context: &RequestContext,
    desired: &DesiredLogin,
) -> ConnectorResult<Option<Login>> {
    identity.login(context, &desired.slug).await
}

/// Compares the desired login with the observed one.
#[must_use]
pub fn plan(desired: &DesiredLogin, observed: Option<&Login>) -> Plan<LoginChange> {
    let mut plan = Plan::default();
    let Some(host) = &desired.host else {
        let message =
            "a login of a tenant's own has the tenant's host, and tenants have none here: set `DEZKY_PUBLIC_DOMAIN`";
        plan.blocked(LOGIN_READY, "NoPublicDomain", message);
        return plan;
    };
    match observed {
        None => plan.change(LoginChange::Create),
        Some(login) if login.brand.is_none() => plan.change(LoginChange::Create),
        Some(login) => {
            let is_there = login.host.as_ref().is_some_and(|found| found.eq_ignore_ascii_case(host));
            let returns = login.returns_to.as_deref() == Some(DesiredLogin::redirect_uri(host).as_str());
            if !is_there || !returns || !login.signs || login.name != desired.name.trim() {
                plan.change(LoginChange::Repair);
            } else if !is_issuer_at(&login.issuer, host) {
                let issuer = &login.issuer;
                let message =
                    format!("the identity system names the issuer `{issuer}`, which is not at `https://{host}/`");
                plan.blocked(LOGIN_READY, "UnexpectedIssuer", message);
            }
        }
    }
    plan
}

/// Returns `true` if an issuer is at the host, over TLS. No other could be told from another tenant's.
fn is_issuer_at(issuer: &str, host: &str) -> bool {
    let rest = issuer.strip_prefix("https://").and_then(|rest| rest.split_once('/'));
    rest.is_some_and(|(found, _)| found.eq_ignore_ascii_case(host))
}

/// Applies a change, for the members of a group.
///
/// # Errors
/// The connector's.
pub async fn apply(
    identity: &dyn Identity,
    context: &RequestContext,
    desired: &DesiredLogin,
    host: &str,
    group: &str,
) -> ConnectorResult<Login> {
    let new = NewLogin {
        tenant: desired.tenant,
        slug: desired.slug.clone(),
        name: desired.name.clone(),
        host: host.to_owned(),
        redirect_uri: DesiredLogin::redirect_uri(host),
        group: group.to_owned(),
    };
    identity.create_login(context, &new).await
}
