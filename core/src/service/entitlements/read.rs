//! Reads what a tenant is entitled to.

use super::{EntitlementsView, Use};
use crate::{
    authz::Action,
    domain::{
        Mailbox, Subscription, SystemState, Tenant,
        entitlement::in_force,
        mailbox::{MAILBOXES, MAILBOXES_OF_TENANT},
        subscription::SUBSCRIPTIONS,
        workspace::{STATES_OF_TENANT, SYSTEM_STATES, SystemKind},
    },
    error::Result,
    service::{Call, Service, access::TenantReference},
    store::{Position, Query, Read, Repository as _},
};

/// Number up to which seats and mailboxes are counted.
const MOST: u32 = 100_000;

/// Number of states of whole systems, of which a tenant has one for each.
const SYSTEMS: u32 = 10;

impl Service {
    /// Returns what a tenant's subscription entitles to, with what is used of it.
    ///
    /// # Errors
    /// `not_found` when there is no such tenant or the caller may not see it, `role_insufficient` for members.
    pub async fn read_entitlements(&self, call: &Call, reference: &TenantReference) -> Result<EntitlementsView> {
        let access = self.tenant_access(call, reference).await?;
        let tenant = access.authorize(Action::ReadEntitlements)?.clone();
        // Those of whole systems come first.
        let states = Query::new(&SYSTEM_STATES).sort(&STATES_OF_TENANT).equal("tenantId", tenant.id.0).limit(SYSTEMS);
        let reads: [Read; 2] =
            [Query::unique(&SUBSCRIPTIONS, Subscription::current_key(tenant.id)).into(), states.into()];
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let subscription: Option<Subscription> = answers.first()?;
        let states: Vec<SystemState> = answers.all()?;
        let now = self.attempt(async |moment| moment.now()).await;
        let seats = self.seats_in_use(call, tenant.id, MOST, now).await?;
        let of_tenant = Query::new(&MAILBOXES).sort(&MAILBOXES_OF_TENANT).equal("tenantId", tenant.id.0);
        let position = |last: &Mailbox| Position { values: vec![last.address.clone().into()], id: last.id.0 };
        let mailboxes = self.count(call, of_tenant, MOST, position).await?;
        Ok(self.entitlements_of(&tenant, subscription, &states, seats, mailboxes))
    }

    fn entitlements_of(
        &self,
        tenant: &Tenant,
        subscription: Option<Subscription>,
        states: &[SystemState],
        seats: u32,
        mailboxes: u32,
    ) -> EntitlementsView {
        let of_files = states.iter().find(|state| state.system == SystemKind::Files && state.subject.is_none());
        let terms = self.settings.plans.terms_of(subscription.as_ref(), &tenant.plan);
        let bounded = subscription.as_ref().filter(|found| found.terms.is_some());
        let in_force = subscription.as_ref().is_some_and(|found| in_force(found, |time| self.clock.has_passed(time)));
        let files_bytes = Use {
            used: of_files.and_then(|state| state.used_bytes),
            limit: Some(terms.files_bytes),
            as_of: of_files.filter(|state| state.used_bytes.is_some()).and_then(|state| state.looked_at),
        };
        EntitlementsView {
            tenant_id: tenant.id,
            plan: subscription.as_ref().map_or_else(|| tenant.plan.clone(), |found| found.plan.clone()),
            in_force,
            agreed_at: bounded.and_then(|found| found.terms.as_ref()).map(|terms| terms.agreed_at),
            features: terms.features,
            seats: Use::counted(seats, bounded.map(|found| found.seats)),
            mailboxes: Use::counted(mailboxes, None),
            files_bytes,
            mailbox_bytes: terms.mailbox_bytes,
            status: subscription.map(|found| found.status),
        }
    }
}
