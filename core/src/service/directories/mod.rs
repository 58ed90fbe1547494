//! Directories: the people and groups that identity providers push by SCIM.
//!
//! A directory is named by its issuer, or by the tenant whose own issuer it is. What is pushed becomes users and memberships by
//! the rules of the claims sync ([`Reconciliation`](crate::service::profile)).

mod find;
mod groups;
mod list;
mod membership;
mod resource;
mod users;

pub use list::{Listed, Listing};
pub use resource::Found;

pub(crate) use membership::follow_group;

use super::{
    Call, IfMatch, Service,
    access::{TenantAccess, TenantReference},
    unit_of_work::{Subject, UnitOfWork},
};
use crate::{
    authz::Action,
    domain::{Issuer, TenantId, UserId},
    error::{Code, Error, Result},
    store::Repository as _,
};

/// The kinds of resources in audit events.
const PERSON: &str = "provisioned_user";
const GROUP: &str = "provisioned_group";

/// Number of people whose memberships are changed in one commit.
const AT_A_TIME: usize = 100;

/// A directory, and the access of the caller to it.
pub(crate) struct Directory {
    /// Id of the issuer.
    name: String,
    access: TenantAccess,
}

/// The use that a caller makes of a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Read,
    Provision,
}

impl Directory {
    /// Returns the tenant that its issuer belongs to, if it does.
    fn tenant(&self) -> Option<TenantId> {
        self.access.tenant.as_ref().map(|tenant| tenant.id)
    }

    /// Returns the action of changes of it.
    fn action(&self) -> Action {
        match self.access.tenant {
            Some(_) => Action::ProvisionDirectory,
            None => Action::ProvisionPlatformDirectory,
        }
    }

    fn subject(&self, user: Option<UserId>) -> Subject {
        Subject { tenant: self.tenant(), user }
    }

    /// Begins a unit of work of the caller.
    fn work<'a>(&self, call: &'a Call, moment: &super::moment::Moment) -> UnitOfWork<'a> {
        UnitOfWork::new(call, self.access.caller.audit_actor(), moment)
    }
}

impl Service {
    /// Finds a directory that the caller has access to.
    ///
    /// To others, one of a tenant seems absent.
    async fn directory(&self, call: &Call, named: &str, purpose: Purpose) -> Result<Directory> {
        let actions = match purpose {
            Purpose::Read => [Action::ReadDirectory, Action::ReadPlatformDirectory],
            Purpose::Provision => [Action::ProvisionDirectory, Action::ProvisionPlatformDirectory],
        };
        let bound = self.settings.tenant_of_issuer(named);
        let configured = self.settings.issuer_ids.iter().any(|id| id == named);
        let tenant = match (bound, Issuer::tenant_of(named)) {
            (Some(slug), _) => Some(TenantReference::Slug(slug.to_owned())),
            (None, Some(tenant)) => Some(TenantReference::Id(tenant)),
            (None, None) if configured => None,
            (None, None) => Some(TenantReference::from(named)),
        };
        let access = self.access_to_tenant_or_platform(call, tenant.as_ref(), actions, &[]).await?;
        let name = match &access.tenant {
            _ if bound.is_some() || configured => named.to_owned(),
            Some(tenant) => self.issuer_of(call, tenant.id, &tenant.slug).await?,
            None => named.to_owned(),
        };
        Ok(Directory { name, access })
    }

    /// Returns the issuer of a tenant's own.
    async fn issuer_of(&self, call: &Call, tenant: TenantId, slug: &str) -> Result<String> {
        match self.settings.issuers_of_tenants.get(slug).map(Vec::as_slice) {
            Some([only]) => return Ok(only.clone()),
            Some([_, ..]) => {
                let message = "the tenant has several identity providers of its own: name the issuer in the path";
                return Err(Error::new(Code::NOT_FOUND, message));
            }
            Some([]) | None => {}
        }
        let issuer: Option<Issuer> = self.store.load_unique(&call.context, Issuer::tenant_key(tenant)).await?;
        if issuer.is_none() {
            let message = "the tenant has no identity provider of its own: its people are those of the platform's";
            return Err(Error::new(Code::NOT_FOUND, message));
        }
        Ok(Issuer::name_of(tenant))
    }
}

/// Refuses to change what is not as the caller last saw it. SCIM has weak entity tags (RFC 7644 §3.14).
fn check_version(call: &Call, current: &str) -> Result<()> {
    let opaque = |tag: &str| tag.trim_start_matches("W/").to_owned();
    match &call.if_match {
        Some(IfMatch::Tags(tags)) if !tags.iter().any(|tag| opaque(tag) == opaque(current)) => {
            let message = "it was changed since you read it: read it again and decide anew";
            Err(Error::new(Code::VERSION_CHANGED, message))
        }
        _ => Ok(()),
    }
}
