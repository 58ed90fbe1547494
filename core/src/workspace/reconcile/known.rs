//! The people whom a tenant knows, for comparison with those of its group.

use super::Run;
use crate::{
    authz::Action,
    clock::Timestamp,
    domain::{
        GrantSource, Membership, RevokedBy, Tenant, TenantId, User, UserId, UserStatus,
        membership::{MEMBERSHIPS, MEMBERSHIPS_OF_TENANT},
        user::USERS,
    },
    error::{Code, Result},
    service::{
        Service,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Filter, Position, Query, Repository, Value},
    workspace::{
        claim::{Stopped, call},
        desired::Presence,
        identity::people::KnownPerson,
    },
};

/// Number of memberships that are compared at a look.
const MOST: usize = 10_000;

/// Number of memberships read at a time.
const PAGE: u32 = 200;

/// Reads the people of a tenant whom the identity system knows, tombstones included. Returns `None` if they are too many
/// for a comparison.
pub(super) async fn people(
    run: &mut Run<'_>,
    tenant: &Tenant,
    presence: Presence,
) -> Result<Option<Vec<KnownPerson>>, Stopped> {
    let mut known = Vec::new();
    let mut after = None;
    loop {
        run.claimed.keep(run.service).await?;
        let context = run.context();
        let query = Query::new(&MEMBERSHIPS)
            .sort(&MEMBERSHIPS_OF_TENANT)
            .equal("tenantId", tenant.id.0)
            .after(after)
            .limit(PAGE);
        let memberships: Vec<Membership> = run.service.store().load_all(&context, &query).await?;
        let ids: Vec<Value> = memberships.iter().map(|membership| membership.user_id.0.into()).collect();
        let users: Vec<User> = match ids.is_empty() {
            true => Vec::new(),
            false => {
                let query = Query::new(&USERS).filter(Filter::In("id", ids)).limit(PAGE);
                run.service.store().load_all(&context, &query).await?
            }
        };
        for membership in &memberships {
            let user = users.iter().find(|user| user.id == membership.user_id);
            let subject = user
                .filter(|user| user.issuer_id == run.settings.identity_issuer)
                .and_then(|user| user.authentik_subject_id.clone());
            let (Some(user), Some(subject)) = (user, subject) else { continue };
            known.push(KnownPerson {
                user: user.id,
                subject,
                member: is_member(membership, user, presence),
                revoked_by: membership.revoked_by,
            });
        }
        if known.len() > MOST {
            return Ok(None);
        }
        let full = memberships.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        let Some(last) = memberships.last().filter(|_| full) else { return Ok(Some(known)) };
        after = Some(Position { values: Vec::new(), id: last.id.0 });
    }
}

/// Returns `true` if a person belongs to the tenant's group.
///
/// People stay in the group of a suspended tenant: its absence from their tokens would end the memberships that came from it.
pub(super) fn is_member(membership: &Membership, user: &User, presence: Presence) -> bool {
    // The group decides on memberships that came from it; a disabled person's is not for Dezky to change there.
    let may = membership.source == GrantSource::Claim || user.status.counts_as() == UserStatus::Active;
    presence != Presence::Absent && membership.active && may
}

/// Revokes a membership that came from the group, since somebody has taken the person out of it there.
///
/// It leaves the tombstone that the claims sync leaves, so that a newer claim restores it. Nothing happens if the membership has
/// changed since the group was observed.
pub(super) async fn revoke_by_claim(
    service: &Service,
    tenant: TenantId,
    user: UserId,
    observed_at: Timestamp,
) -> Result<()> {
    let call = call();
    let revoked = service
        .settle(&call, |moment| {
            let call = &call;
            async move {
                let stored: Option<Membership> =
                    service.store().load_unique(&call.context, Membership::key(tenant, user)).await?;
                let stored = stored.filter(|stored| {
                    stored.active && stored.source == GrantSource::Claim && stored.changed_at < observed_at
                });
                let Some(stored) = stored else { return Ok(()) };
                let mut work = UnitOfWork::new(call, super::super::actor(), &moment);
                let mut revoked = stored.clone();
                revoked.revoke(RevokedBy::Claim, work.now());
                let about = Subject { tenant: Some(tenant), user: Some(user) };
                work.update(Action::RevokeMembership, "membership", about, &stored, &mut revoked)?;
                service.carry_out(work).await
            }
        })
        .await;
    match revoked {
        // Somebody is at it; the next look sees what they did.
        Err(error) if error.is(Code::CONFLICT) => Ok(()),
        outcome => outcome,
    }
}
