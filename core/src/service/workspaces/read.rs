//! Reads the state of the systems behind a tenant.

use super::{WorkspaceLink, WorkspaceLogin, WorkspaceView};
use crate::{
    authz::Action,
    domain::{
        Choice as _, DomainRecords, DomainRecordsView, Issuer, MembershipRole, SystemState, SystemStateView, Tenant,
        TenantId, TenantStatus,
        issuer::{ISSUERS, ISSUERS_OF_TENANT},
        workspace::{DOMAIN_RECORDS, Phase, RECORDS_OF_TENANT, STATES_OF_TENANT, SYSTEM_STATES, SystemKind},
    },
    error::Result,
    service::{
        Call, Service,
        access::{TenantAccess, TenantReference},
    },
    store::{Query, Read, Repository as _},
};

/// Number of states that are read.
const STATES: u32 = 200;

/// Number of people and mailboxes that are shown.
const PARTS: usize = 100;

/// Number of domains that are shown.
const DOMAINS: u32 = 200;

impl Service {
    /// Returns the state of the systems behind a tenant.
    ///
    /// What is being set up is a state like any other, and never an error.
    ///
    /// # Errors
    /// `not_found` when there is no such tenant or the caller may not see it.
    pub async fn read_workspace(&self, call: &Call, reference: &TenantReference) -> Result<WorkspaceView> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(Action::ReadWorkspace)?.clone();
        self.workspace_view(call, &access, &tenant).await
    }

    pub(super) async fn workspace_view(
        &self,
        call: &Call,
        access: &TenantAccess,
        tenant: &Tenant,
    ) -> Result<WorkspaceView> {
        let of_tenant = tenant.id.0;
        let reads: [Read; 3] = [
            Query::new(&SYSTEM_STATES).sort(&STATES_OF_TENANT).equal("tenantId", of_tenant).limit(STATES).into(),
            Query::new(&DOMAIN_RECORDS).sort(&RECORDS_OF_TENANT).equal("tenantId", of_tenant).limit(DOMAINS).into(),
            Query::new(&ISSUERS).sort(&ISSUERS_OF_TENANT).equal("tenantId", of_tenant).limit(1).into(),
        ];
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let states: Vec<SystemState> = answers.all()?;
        let records: Vec<DomainRecords> = answers.all()?;
        let issuer: Option<Issuer> = answers.first()?;
        Ok(self.workspace_of(access, tenant, states, records, issuer))
    }

    fn workspace_of(
        &self,
        access: &TenantAccess,
        tenant: &Tenant,
        states: Vec<SystemState>,
        records: Vec<DomainRecords>,
        issuer: Option<Issuer>,
    ) -> WorkspaceView {
        let platform = access.caller.is_platform();
        let viewer = crate::service::views::viewer(access.role(), platform);
        let manages = platform || access.role() >= Some(MembershipRole::Admin);
        let (systems, parts): (Vec<_>, Vec<_>) = states.into_iter().partition(|state| state.subject.is_none());
        let links = systems.iter().map(|state| self.link(tenant, state)).collect();
        // A system whose first event is still on its way is being set up like any other.
        let told = |kind: &SystemKind| systems.iter().any(|state| state.system == *kind);
        let missing = self.settings.systems.iter().any(|kind| !kind.is_by_hand() && !told(kind));
        // A process that reaches no system knows of none before their first events: the tenant's own state tells.
        let pending = tenant.status == TenantStatus::Pending;
        let ready = !missing
            && !pending
            && systems.iter().all(|state| state.phase == Phase::Ready || state.system.is_by_hand());
        let mut systems: Vec<SystemStateView> =
            systems.into_iter().map(|state| SystemStateView::shown_to(state, viewer)).collect();
        systems.sort_by_key(|state| state.system);
        let off = parts.into_iter().filter(|state| manages && state.phase != Phase::Ready);
        let parts = off.take(PARTS).map(|state| SystemStateView::shown_to(state, viewer)).collect();
        let shown = records.into_iter().filter(|_| manages);
        let domains = shown.map(|records| DomainRecordsView::shown_to(records, viewer)).collect();
        // Once it is switched off, its tokens are refused already.
        let login = issuer.filter(|_| manages && tenant.isolated_login).map(WorkspaceLogin::new);
        WorkspaceView { tenant_id: TenantId(tenant.id.0), ready, systems, parts, domains, login, links }
    }

    /// Returns the place of a system. Its address is one of the tenant's launcher, by the name of the system.
    fn link(&self, tenant: &Tenant, state: &SystemState) -> WorkspaceLink {
        let named = tenant
            .branding
            .iter()
            .flat_map(|branding| &branding.launcher_links)
            .find(|link| link.icon.as_deref() == Some(state.system.name()));
        // One by hand has an address for each tenant, which is recorded with its state.
        let of_all = match state.system.is_by_hand() {
            true => state.external_id(SystemState::ADDRESS).map(str::to_owned),
            false => self.settings.system_urls.get(&state.system).cloned(),
        };
        let url = named.map(|link| link.url.clone()).or(of_all);
        WorkspaceLink {
            system: state.system,
            phase: state.phase,
            url: url.filter(|_| matches!(state.phase, Phase::Ready | Phase::Degraded)),
        }
    }
}
