//! Runs over a system that no connector reaches.

use async_trait::async_trait;

use super::{Owner, Run, Settled, Unit, not_configured};
use crate::{
    domain::workspace::{Phase, SystemState, address_of},
    workspace::{
        by_hand::{self, AddressChange, SET_UP},
        claim::Stopped,
        desired::{Presence, presence, removal},
        plan::holds,
    },
};

pub(super) async fn reconcile(run: &mut Run<'_>) -> Result<Settled, Stopped> {
    let system = run.claimed.state.system;
    let Some(template) = run.systems.by_hand.get(&system).cloned() else { return Err(not_configured(system)) };
    let (owner, _) = run.owner(Vec::new()).await?;
    let Some(Owner { tenant, .. }) = owner else { return Ok(Settled::gone()) };
    let now = crate::work::time(run.service).await;
    let presence = presence(&tenant, run.grace(), now);
    let wanted = address_of(&template, &tenant.slug);
    let recorded = run.claimed.state.external_id(SystemState::ADDRESS).map(str::to_owned);
    let mut plan = by_hand::plan(system, &tenant.slug, &wanted, presence, recorded.as_deref());
    run.make(&mut plan, &OfAddress).await?;
    let phase = match presence {
        Presence::Active => Phase::Ready,
        Presence::Suspended => Phase::Suspended,
        Presence::Absent => Phase::Removed,
    };
    let mut settled = Settled::new(phase, plan.obstacles, vec![holds(SET_UP, "Ready", now)], now);
    if presence == Presence::Absent && settled.phase != phase {
        settled.phase = Phase::Removing;
    }
    // The confirmation makes it due, and nothing else changes what is recorded.
    settled.rests = true;
    settled.next = removal(&tenant, run.grace()).filter(|_| presence == Presence::Suspended);
    Ok(settled)
}

/// The recorded address as a unit that changes are made in.
struct OfAddress;

#[async_trait]
impl Unit<AddressChange> for OfAddress {
    fn name(&self, change: &AddressChange) -> String {
        change.name().to_owned()
    }

    async fn apply(&self, run: &mut Run<'_>, change: &AddressChange) -> Result<(), Stopped> {
        let address = match change {
            AddressChange::Record(address) => Some(address.as_str()),
            AddressChange::Forget => None,
        };
        run.claimed.remember(run.service, SystemState::ADDRESS, address).await
    }
}
