//! Seats of a tenant: counted in the commit that takes one.

use std::time::Duration;

use super::{Call, Service, effect::ELSEWHERE, unit_of_work::UnitOfWork};
use crate::{
    clock::Timestamp,
    domain::{
        Invitation, Membership, SeatLedger, Subscription, TenantId,
        entitlement::{Entitled, Feature, Usage, entitled},
        invitation::{INVITATIONS, OPEN_INVITATIONS},
        membership::{MEMBERSHIPS, MEMBERSHIPS_OF_TENANT},
        seat::SEAT_LEDGERS,
        subscription::SUBSCRIPTIONS,
    },
    error::{Code, Error, Result},
    store::{Entity, Filter, Position, Query, Read, Repository as _},
};

/// Number of documents read at a time.
const PAGE: u32 = 1_000;

impl Service {
    /// Takes seats of a tenant in a unit of work.
    ///
    /// People whom the identity provider puts into the tenant's group are counted and never refused. A subscription without
    /// terms bounds nothing.
    ///
    /// # Errors
    /// `seats_exhausted` or `subscription_inactive`.
    pub(crate) async fn take_seats(
        &self,
        call: &Call,
        work: &mut UnitOfWork<'_>,
        tenant: TenantId,
        number: u32,
    ) -> Result<()> {
        if ELSEWHERE {
            // Counted where the change is carried out.
            return Ok(());
        }
        let reads: [Read; 2] = [
            Query::unique(&SUBSCRIPTIONS, Subscription::current_key(tenant)).into(),
            Query::unique(&SEAT_LEDGERS, SeatLedger::key(tenant)).into(),
        ];
        let mut answers = self.store.load_together(&call.context, &reads).await?;
        let subscription: Option<Subscription> = answers.first()?;
        let ledger: Option<SeatLedger> = answers.first()?;
        let Some(subscription) = subscription.filter(|found| found.terms.is_some()) else { return Ok(()) };
        let now = work.now();
        // Read after the ledger: whoever takes a seat from here on has written that too.
        let seats = self.seats_in_use(call, tenant, subscription.seats, now).await?;
        match entitled(&subscription, Feature::Seats(number), Usage { seats, files: 0 }, now) {
            Entitled::Yes => {}
            Entitled::Exhausted(bound) => {
                let message = format!(
                    "all {bound} seats of the subscription are taken: revoke a membership or an invitation, or add seats"
                );
                return Err(Error::new(Code::SEATS_EXHAUSTED, message));
            }
            Entitled::NotInForce | Entitled::NotIncluded => {
                let message = "the subscription is not in force, and gives no seats: have it paid or restored first";
                return Err(Error::new(Code::SUBSCRIPTION_INACTIVE, message));
            }
        }
        match ledger {
            Some(before) => work.refresh(&before, &mut before.clone())?,
            None => work.commit.insert(&SeatLedger::new(tenant, now))?,
        }
        work.commit.guard(&subscription);
        Ok(())
    }

    /// Returns the number of seats in use, exact up to one beyond `bound`.
    ///
    /// Those are members, and invitations that can be accepted at this time.
    pub(super) async fn seats_in_use(&self, call: &Call, tenant: TenantId, bound: u32, now: Timestamp) -> Result<u32> {
        let most = bound.saturating_add(1);
        let members = Query::new(&MEMBERSHIPS).sort(&MEMBERSHIPS_OF_TENANT).equal("tenantId", tenant.0);
        let position = |last: &Membership| Position { values: Vec::new(), id: last.id.0 };
        let members = self.count(call, members.equal("active", true), most, position).await?;
        let later = now.plus(Duration::from_millis(1));
        let open = Query::new(&INVITATIONS)
            .sort(&OPEN_INVITATIONS)
            .equal("tenantId", tenant.0)
            .equal("open", true)
            .filter(Filter::Range { field: "expiresAt", from: Some(later.into()), until: None });
        let position = |last: &Invitation| Position { values: vec![last.expires_at.into()], id: last.id.0 };
        let invited = self.count(call, open, most.saturating_sub(members), position).await?;
        Ok(members.saturating_add(invited))
    }

    /// Counts what a query finds, up to a number.
    pub(super) async fn count<E: Entity>(
        &self,
        call: &Call,
        query: Query,
        most: u32,
        position: impl Fn(&E) -> Position,
    ) -> Result<u32> {
        let (mut count, mut after) = (0_u32, None);
        while count < most {
            let page = query.clone().after(after).limit(PAGE.min(most - count));
            let limit = page.limit;
            let found: Vec<E> = self.store.load_all(&call.context, &page).await?;
            let read = u32::try_from(found.len()).unwrap_or(u32::MAX);
            count = count.saturating_add(read);
            match found.last().filter(|_| read >= limit) {
                Some(last) => after = Some(position(last)),
                None => break,
            }
        }
        Ok(count)
    }
}
