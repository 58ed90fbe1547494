//! A person's rights, with the reason of each: every decision of the policy on the facts that are stored now.

use serde::Serialize;

use super::{
    Call, Principal, Service,
    access::{CallerFacts, TenantAccess, TenantReference},
};
use crate::{
    authz::{
        Action, Outcome, Reason, Resource, TargetFacts, TenantFacts, decide, forbidden_fields,
        policy::{POLICY, settable},
    },
    domain::{GrantSource, MembershipRole, TenantId, User, UserId},
    error::{Code, Error, Result},
    store::Repository,
};

/// A person's rights in a tenant, or on the platform outside of tenants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RightsView {
    /// The person.
    pub user_id: UserId,
    /// The tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<TenantId>,
    /// The person's role in it, if in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<MembershipRole>,
    /// The source of that role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<GrantSource>,
    /// Every action, in the order of the policy.
    pub rights: Vec<RightView>,
}

/// The decision about one action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RightView {
    /// The action, such as `tenant.read`.
    pub action: &'static str,
    /// `allow`, `refuse`, or `hide` if to the person the resource seems not to exist.
    pub outcome: &'static str,
    /// The caller kind that is allowed the action, such as `owner` or `platform admin`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted_as: Option<&'static str>,
    /// `granted`, or the code that the person would be refused with.
    pub reason: &'static str,
    /// The reason, in words.
    pub because: String,
    /// Restricted fields of this action that the person may not set.
    pub forbidden_fields: Vec<&'static str>,
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allow => "allow",
        Outcome::Refuse => "refuse",
        Outcome::Hide => "hide",
    }
}

/// Returns the reason for a person.
pub(super) fn explain(reason: Reason) -> String {
    let because = match reason {
        Reason::Granted(caller) => return format!("granted to {caller}"),
        Reason::UserDisabled => "the person is disabled and refused everywhere",
        Reason::NotVisible => "the person may not know that it exists",
        Reason::PlatformOnly => "only administrators of the platform may",
        Reason::RoleTooLow => "the person's role in the tenant does not allow it",
        Reason::HolderOnly => "only the member whose mailbox it is may, since whoever creates one can read the mail",
        Reason::LastingAdmin => "only administrators by grant may deal with administrators by grant",
        Reason::OwnerOnly => "only owners may deal with owners",
        Reason::LastOwner => "a tenant keeps its last owner",
        Reason::TenantSuspended => "the tenant is suspended and read-only to its own people",
        Reason::TenantDeleted => "the tenant is deleted",
        Reason::Scope => "the action is not among the scopes of the API key",
        Reason::Field(field) => return format!("the person may not set `{field}`"),
    };
    because.to_owned()
}

impl Service {
    /// Returns a person's rights in a tenant, or without one on the platform, assuming a valid token.
    ///
    /// Actions on members are decided for members who are not owners, and on mailboxes for those of others. `bound_to` is the id of the tenant to which the
    /// token's issuer is bound.
    ///
    /// # Errors
    /// `system_actor_required` for callers other than system actors; `not_found` when there is no such person or tenant.
    pub async fn rights(
        &self,
        call: &Call,
        user: UserId,
        tenant: Option<&TenantReference>,
        bound_to: impl Fn(&str) -> Option<String>,
    ) -> Result<RightsView> {
        if !matches!(call.principal, Principal::System(_)) {
            let message = "only the platform itself may ask what others may do";
            return Err(Error::new(Code::SYSTEM_ACTOR_REQUIRED, message));
        }
        let user: User = self.store.load(&call.context, user).await?.ok_or_else(Error::not_found)?;
        let bound_to = bound_to(&user.issuer_id);
        let user_id = user.id;
        let caller = CallerFacts::Person { user: Box::new(user), bound_to };
        let access = match tenant {
            Some(reference) => self.access_of(call, caller, reference).await?,
            None => TenantAccess { caller, tenant: None, membership: None },
        };
        let concerned = POLICY.iter().map(|rule| rule.action);
        let concerned = concerned.filter(|action| action.concerns_tenant() == access.tenant.is_some());
        Ok(RightsView {
            user_id,
            tenant_id: access.tenant.as_ref().map(|tenant| tenant.id),
            role: access.role(),
            source: access.membership.as_ref().filter(|membership| membership.active).map(|found| found.source),
            rights: concerned.map(|action| right(&access, action)).collect(),
        })
    }
}

fn right(access: &TenantAccess, action: Action) -> RightView {
    let fields: Vec<&'static str> = settable(action).iter().map(|field| field.name).collect();
    let tenant =
        access.tenant.as_ref().map(|tenant| TenantFacts { slug: &tenant.slug, status: tenant.status.counts_as() });
    let target = TargetFacts::default();
    let resource = Resource { tenant, role: access.role(), target, ..Resource::default() };
    let actor = access.caller.actor();
    let decision = decide(&actor, action, &resource);
    let forbidden_fields = match decision.outcome {
        Outcome::Allow => forbidden_fields(&actor, action, &Resource { fields: &fields, ..resource }),
        _ => Vec::new(),
    };
    let granted_as = match decision.reason {
        Reason::Granted(caller) => Some(caller),
        _ => None,
    };
    RightView {
        action: action.name(),
        outcome: outcome(decision.outcome),
        granted_as,
        reason: decision.reason.code().map_or("granted", Code::name),
        because: explain(decision.reason),
        forbidden_fields,
    }
}
