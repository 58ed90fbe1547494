//! Reads the end of a chain of audit events.

use crate::{
    authz::{Action, Resource},
    domain::{
        AuditChain, AuditHeadView,
        trail::{AUDIT_CHAINS, CHAIN_OF_TENANT},
    },
    error::Result,
    service::{
        Call, Service,
        access::{TenantReference, check},
    },
    store::{Follow, Query, Repository},
};

impl Service {
    /// Reads the end of the chain of a tenant, or of the platform: the number and the seal of the last event.
    ///
    /// Whoever may read a trail may read where it ends, and keep it to compare it later.
    ///
    /// # Errors
    /// `not_found`, `role_insufficient` or `platform_admin_required`.
    pub async fn read_audit_head(&self, call: &Call, tenant: Option<&TenantReference>) -> Result<AuditHeadView> {
        let Some(reference) = tenant else {
            let caller = self.caller(call).await?;
            check(&caller, Action::ReadPlatformAudit, &Resource::default())?;
            let chain: Option<AuditChain> = self.store.load(&call.context, AuditChain::PLATFORM).await?;
            return Ok(chain.unwrap_or_else(|| AuditChain::empty(None)).into());
        };
        let (access, mut answers) = self
            .tenant_access_and(call, reference, |tenant| {
                let query = Query::new(&AUDIT_CHAINS).sort(&CHAIN_OF_TENANT).limit(1);
                Some(query.follow(Follow::First("tenantId", tenant)))
            })
            .await?;
        let tenant = access.authorize(Action::ReadTenantAudit)?.id;
        let chain: Option<AuditChain> = answers.first()?;
        Ok(chain.unwrap_or_else(|| AuditChain::empty(Some(tenant))).into())
    }
}
