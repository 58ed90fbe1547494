//! Processes the outbox: work that follows from a change and must not be lost.

use crate::{
    authz::Action,
    context::SystemActor,
    domain::{
        AuditActor, AuditDetails, IdempotencyRecord, Membership, OutboxEvent, RevokedBy, Subscription,
        SubscriptionStatus, Tenant, TenantId, TenantStatus, User, UserActivity, UserId,
        audit::{AUDIT_DETAILS, DETAILS_OF_USER},
        idempotency::{IDEMPOTENCY_OF_USER, IDEMPOTENCY_RECORDS},
        membership::{MEMBERSHIPS, MEMBERSHIPS_OF_TENANT, MEMBERSHIPS_OF_USER},
        outbox::{OUTBOX, OUTBOX_BY_AGE},
    },
    error::{Error, Result},
    service::{
        Call, Service, conflict,
        moment::Moment,
        work::{Subject, Work},
    },
    store::{Commit, Index, Position, Query, Repository, StoreError},
};

/// Number of events read at once, and of documents that one commit writes.
const BATCH: u32 = 100;

/// The owner of the copies that an event makes stale.
enum Stale {
    Tenant(TenantId),
    User(UserId),
}

impl Service {
    /// Processes all events of the outbox, the oldest first, and returns how many are done.
    ///
    /// Call it again while it returns more than zero: new events may have been added.
    ///
    /// An event is removed once its work is done. If a process dies in between, the work is repeated; all of it is
    /// idempotent. An event whose work fails stays, and does not block the others.
    ///
    /// # Errors
    /// The last failure, when no event could be finished.
    pub async fn work_outbox(&self) -> Result<usize> {
        let (mut done, mut failure, mut after) = (0, None, None);
        loop {
            let call = Call::by_part(SystemActor::Outbox);
            let query = Query::new(&OUTBOX).sort(&OUTBOX_BY_AGE).after(after).limit(BATCH);
            let events: Vec<OutboxEvent> = self.store.load_all(&call.context, &query).await?;
            for event in &events {
                match self.finish(event).await {
                    Ok(()) => done += 1,
                    Err(error) => {
                        tracing::warn!(action = event.action, id = %event.id, ?error, "an outbox event has to wait");
                        failure = Some(error);
                    }
                }
            }
            match events.last() {
                // Failed events stay where they are, however many there are.
                Some(last) if events.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX) => {
                    after = Some(Position { values: vec![last.created_at.into()], id: last.id.0 });
                }
                _ => break,
            }
        }
        match failure {
            Some(error) if done == 0 => Err(error),
            _ => Ok(done),
        }
    }

    async fn finish(&self, event: &OutboxEvent) -> Result<()> {
        self.follow(event).await?;
        // The work may have taken long, so removing the event has its own deadline.
        let call = Call::by_part(SystemActor::Outbox);
        let mut done = Commit::new();
        done.delete(event);
        match self.store.commit(&call.context, &done).await {
            // Another worker did the same work.
            Err(error) if error.is_conflict() => Ok(()),
            outcome => Ok(outcome?),
        }
    }

    async fn follow(&self, event: &OutboxEvent) -> Result<()> {
        let changed = |fields: &[&str]| event.changed_fields.iter().any(|field| fields.contains(&field.as_str()));
        match (event.action.as_str(), event.tenant_id, event.user_id) {
            ("tenant.update", Some(tenant), _) if changed(&["slug", "name"]) => {
                self.refresh_copies(&Stale::Tenant(tenant)).await
            }
            ("user.update", _, Some(user)) if changed(&["name", "email"]) => {
                self.refresh_copies(&Stale::User(user)).await
            }
            // The event is checked against the store: a wrong event must not erase a living person or cancel a
            // subscription.
            ("user.delete", _, Some(user)) if self.is_erased(user).await? => {
                self.refresh_copies(&Stale::User(user)).await?;
                self.erase_details(user).await?;
                self.erase_traces(user).await
            }
            ("tenant.delete", Some(tenant), _) if self.is_gone(tenant).await? => self.cancel_subscription(tenant).await,
            _ => Ok(()),
        }
    }

    async fn is_erased(&self, user: UserId) -> Result<bool> {
        let user: Option<User> = self.store.load(&Call::by_part(SystemActor::Outbox).context, user).await?;
        Ok(user.is_none_or(|user| user.is_deleted()))
    }

    async fn is_gone(&self, tenant: TenantId) -> Result<bool> {
        let tenant: Option<Tenant> = self.store.load(&Call::by_part(SystemActor::Outbox).context, tenant).await?;
        Ok(tenant.is_none_or(|tenant| tenant.status == TenantStatus::Deleted))
    }

    /// Updates the copies of names in memberships, and revokes the memberships of an erased person.
    async fn refresh_copies(&self, stale: &Stale) -> Result<()> {
        let mut after = None;
        loop {
            let call = Call::by_part(SystemActor::Outbox);
            let (position, more) =
                self.settle(&call, |moment| self.refresh_page(&call, moment, stale, after.clone())).await?;
            if !more {
                return Ok(());
            }
            after = position;
        }
    }

    async fn refresh_page(
        &self,
        call: &Call,
        moment: Moment,
        stale: &Stale,
        after: Option<Position>,
    ) -> Result<(Option<Position>, bool)> {
        let (field, id, index): (_, _, &'static Index) = match stale {
            Stale::Tenant(tenant) => ("tenantId", tenant.0, &MEMBERSHIPS_OF_TENANT),
            Stale::User(user) => ("userId", user.0, &MEMBERSHIPS_OF_USER),
        };
        let query = Query::new(&MEMBERSHIPS).sort(index).equal(field, id).after(after).limit(BATCH);
        let memberships: Vec<Membership> = self.store.load_all(&call.context, &query).await?;
        let tenant: Option<Tenant> = match stale {
            Stale::Tenant(tenant) => self.store.load(&call.context, *tenant).await?,
            Stale::User(_) => None,
        };
        let user: Option<User> = match stale {
            Stale::User(user) => self.store.load(&call.context, *user).await?,
            Stale::Tenant(_) => None,
        };
        let mut work = Work::new(call, actor(), &moment).without_details();
        for before in &memberships {
            let mut now = before.clone();
            tenant.as_ref().map(|tenant| now.copy_tenant(tenant));
            // The tenant of a former member learns nothing new, but an erased person's name is removed there too.
            let told = user.as_ref().filter(|user| user.is_deleted() || before.follows_person());
            told.map(|user| now.copy_user(user));
            let erased = user.as_ref().is_some_and(User::is_deleted) && before.active;
            if erased {
                now.revoke(RevokedBy::System, work.now());
                let about = Subject { tenant: Some(before.tenant_id), user: Some(before.user_id) };
                work.update(Action::RevokeMembership, "membership", about, before, &mut now)?;
            } else if now != *before {
                // Updating copies does not change the membership, so it is neither audited nor put into the outbox.
                work.refresh(before, &mut now)?;
            }
        }
        if !work.commit.is_empty() {
            if let Some(tenant) = &tenant {
                work.commit.guard(tenant);
            }
            if let Some(user) = &user {
                work.commit.guard(user);
            }
            self.carry_out(work).await?;
        }
        let last = memberships.last().map(|membership| Position { values: Vec::new(), id: membership.id.0 });
        Ok((last, memberships.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX)))
    }

    /// Removes an erased person's activity, and the stored answers that show them.
    async fn erase_traces(&self, user: UserId) -> Result<()> {
        let call = Call::by_part(SystemActor::Outbox);
        self.settle(&call, |_| async {
            let activity: Option<UserActivity> = self.store.load(&call.context, user).await?;
            let Some(activity) = activity else { return Ok(()) };
            let mut commit = Commit::new();
            commit.delete(&activity);
            self.store.commit(&call.context, &commit).await.map_err(settled)
        })
        .await?;
        loop {
            let call = Call::by_part(SystemActor::Outbox);
            let query =
                Query::new(&IDEMPOTENCY_RECORDS).sort(&IDEMPOTENCY_OF_USER).equal("userId", user.0).limit(BATCH);
            let records: Vec<IdempotencyRecord> = self.store.load_all(&call.context, &query).await?;
            if records.is_empty() {
                return Ok(());
            }
            let mut commit = Commit::new();
            records.iter().for_each(|record| commit.delete(record));
            match self.store.commit(&call.context, &commit).await {
                // Housekeeping removed some of them meanwhile, so read again.
                Err(error) if error.is_conflict() => {}
                outcome => outcome?,
            }
        }
    }

    /// Cancels a subscription that was created while its tenant was being deleted.
    async fn cancel_subscription(&self, tenant: TenantId) -> Result<()> {
        let call = Call::by_part(SystemActor::Outbox);
        self.settle(&call, |moment| self.try_cancel(&call, moment, tenant)).await
    }

    async fn try_cancel(&self, call: &Call, moment: Moment, tenant: TenantId) -> Result<()> {
        let key = Subscription::current_key(tenant);
        let current: Option<Subscription> = self.store.load_unique(&call.context, key).await?;
        let Some(current) = current else { return Ok(()) };
        let mut cancelled = current.clone();
        cancelled.status = SubscriptionStatus::Cancelled.into();
        let mut work = Work::new(call, actor(), &moment);
        let about = Subject { tenant: Some(tenant), user: None };
        work.update(Action::UpdateSubscription, "subscription", about, &current, &mut cancelled)?;
        self.carry_out(work).await
    }

    /// Clears the personal values of an erased person in the audit trail. The events stay.
    async fn erase_details(&self, user: UserId) -> Result<()> {
        let mut after = None;
        loop {
            let call = Call::by_part(SystemActor::Outbox);
            let query = Query::new(&AUDIT_DETAILS)
                .sort(&DETAILS_OF_USER)
                .equal("userId", user.0)
                .after(after.clone())
                .limit(BATCH);
            let details: Vec<AuditDetails> = self.store.load_all(&call.context, &query).await?;
            let mut commit = Commit::new();
            for stored in details.iter().filter(|stored| !stored.values.is_empty()) {
                let emptied =
                    AuditDetails { values: Vec::new(), version: stored.version.saturating_add(1), ..stored.clone() };
                commit.update(&emptied, stored.version)?;
            }
            if !commit.is_empty() {
                match self.store.commit(&call.context, &commit).await {
                    // Another worker clears them too: read this page again.
                    Err(error) if error.is_conflict() => continue,
                    outcome => outcome?,
                }
            }
            match details.last() {
                Some(last) if details.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX) => {
                    after = Some(Position { values: Vec::new(), id: last.id.0 });
                }
                _ => return Ok(()),
            }
        }
    }
}

/// Turns a store conflict into the error that makes a use case retry.
fn settled(error: StoreError) -> Error {
    if error.is_conflict() { conflict(error) } else { error.into() }
}

fn actor() -> AuditActor {
    AuditActor::part(SystemActor::Outbox)
}
