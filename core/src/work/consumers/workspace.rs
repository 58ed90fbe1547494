//! Marks the systems behind a tenant as due when something that they depend on has changed, and suspends mailboxes with the
//! membership of their owner.

use super::BATCH;
use crate::{
    authz::Action,
    context::SystemActor,
    domain::{
        DomainRecords, Event, Mailbox, MailboxStatus, Membership, TenantId, UserId, Versioned as _,
        mailbox::{MAILBOXES, MAILBOXES_OF_MEMBER},
        membership::{MEMBERSHIPS, MEMBERSHIPS_OF_USER},
        workspace::{DOMAIN_RECORDS, RECORDS_OF_TENANT, SystemKind},
    },
    error::Result,
    service::{
        Call, Service, conflict,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Commit, Position, Query, Repository},
    work::consumer::{Consumer, Follows, Noted},
    workspace::{
        RECONCILED,
        mark::{self, Part},
        turned::{self, TURNED_READY, TURNED_REMOVED},
    },
};

/// Fields of a tenant that concern all people and mailboxes, not only the systems as a whole.
const OF_ALL: &[&str] = &["status", "plan", "terms", "suspendedFrom", "deletedAt"];

/// Fields of a tenant that its systems carry.
const OF_SYSTEMS: &[&str] = &[
    "slug",
    "name",
    "status",
    "plan",
    "suspendedFrom",
    "deletedAt",
    "domains",
    "domainVerifications",
    "authentikGroup",
    "isolatedLogin",
];

/// Actions on the mailboxes of a member.
const OF_MAILBOXES: &[Action] = &[
    Action::CreateMailbox,
    Action::UpdateMailbox,
    Action::DeleteMailbox,
    Action::CreateAppPassword,
    Action::DeleteAppPassword,
];

pub(in crate::work) const WORKSPACE: Consumer = Consumer {
    name: "workspace-marks",
    summary: "marks the systems behind tenants as due after changes, and suspends mailboxes with memberships",
    follows: &[
        Follows { action: Action::CreateTenant, fields: &[] },
        Follows { action: Action::UpdateTenant, fields: OF_SYSTEMS },
        Follows { action: Action::SuspendTenant, fields: &[] },
        Follows { action: Action::RestoreTenant, fields: &[] },
        Follows { action: Action::DeleteTenant, fields: &[] },
        Follows { action: Action::CreateSubscription, fields: &["plan", "status"] },
        Follows { action: Action::UpdateSubscription, fields: &["plan", "status", "terms"] },
        Follows { action: Action::DeleteSubscription, fields: &[] },
        Follows { action: Action::RetryWorkspace, fields: &[] },
        Follows { action: Action::CheckWorkspace, fields: &[] },
        Follows { action: Action::GrantMembership, fields: &[] },
        Follows { action: Action::RevokeMembership, fields: &[] },
        Follows { action: Action::UpdateUser, fields: &["status", "authentikSubjectId", "issuerId"] },
        Follows { action: Action::DeleteUser, fields: &[] },
        Follows { action: Action::CreateMailbox, fields: &[] },
        Follows { action: Action::UpdateMailbox, fields: &[] },
        Follows { action: Action::DeleteMailbox, fields: &[] },
        Follows { action: Action::CreateAppPassword, fields: &[] },
        Follows { action: Action::DeleteAppPassword, fields: &[] },
    ],
    notes: &[Noted { name: RECONCILED, done: &[TURNED_READY, TURNED_REMOVED] }],
    handle: |service, event| Box::pin(handle(service, event)),
};

async fn handle(service: &Service, event: &Event) -> Result<()> {
    match (event.tenant_id, event.user_id) {
        (Some(tenant), _) if event.action == RECONCILED => turned::follow(service, tenant, &event.changed_fields).await,
        (Some(tenant), None) => of_tenant(service, event, tenant).await,
        (Some(tenant), Some(user)) if OF_MAILBOXES.iter().any(|action| action.name() == event.action) => {
            of_mailbox(service, tenant, user).await
        }
        (Some(tenant), Some(user)) => of_member(service, tenant, user).await,
        (None, Some(user)) => of_user(service, user).await,
        (None, None) => Ok(()),
    }
}

/// Marks the systems of a tenant, and the people and mailboxes in them if all are concerned.
async fn of_tenant(service: &Service, event: &Event, tenant: TenantId) -> Result<()> {
    let call = Call::by_part(SystemActor::Outbox);
    let systems = &service.settings().systems;
    let parts: Vec<Part> = systems.iter().map(|system| (*system, None)).collect();
    mark::mark(service, &call, tenant, &parts).await?;
    let named = |actions: &[Action]| actions.iter().any(|action| action.name() == event.action);
    let is_new = named(&[Action::CreateTenant]);
    if named(&[Action::CheckWorkspace]) {
        check_records(service, tenant).await?;
    }
    let concerns_all = named(&[Action::RetryWorkspace, Action::CheckWorkspace])
        || event.changed_fields.iter().any(|field| OF_ALL.contains(&field.as_str()));
    if !is_new && concerns_all && !systems.is_empty() {
        mark::mark_all(service, &call, tenant).await?;
    }
    Ok(())
}

/// Has the DNS records of a tenant's domains checked now.
async fn check_records(service: &Service, tenant: TenantId) -> Result<()> {
    let call = Call::by_part(SystemActor::Outbox);
    service
        .settle(&call, |moment| {
            let call = &call;
            async move {
                let query =
                    Query::new(&DOMAIN_RECORDS).sort(&RECORDS_OF_TENANT).equal("tenantId", tenant.0).limit(BATCH);
                let records: Vec<DomainRecords> = service.store().load_all(&call.context, &query).await?;
                let now = moment.now();
                let mut commit = Commit::new();
                for before in &records {
                    let mut due = before.clone();
                    due.next_check_at = now;
                    due.advance(now);
                    commit.update(&due, before.version)?;
                }
                if commit.is_empty() {
                    return Ok(());
                }
                service.store().commit(&call.context, &commit).await.map_err(|error| match error {
                    error if error.is_conflict() => conflict(error),
                    error => error.into(),
                })
            }
        })
        .await
}

/// Marks a member, and suspends or restores their mailboxes.
async fn of_member(service: &Service, tenant: TenantId, user: UserId) -> Result<()> {
    let call = Call::by_part(SystemActor::Outbox);
    if service.settings().systems.contains(&SystemKind::Identity) {
        mark::mark(service, &call, tenant, &[mark::person(user)]).await?;
    }
    service.settle(&call, |moment| follow_membership(service, &call, moment, tenant, user)).await
}

async fn follow_membership(
    service: &Service,
    call: &Call,
    moment: Moment,
    tenant: TenantId,
    user: UserId,
) -> Result<()> {
    let mailboxes = mailboxes(service, call, tenant, user).await?;
    if mailboxes.is_empty() {
        return Ok(());
    }
    let membership: Option<Membership> =
        service.store().load_unique(&call.context, Membership::key(tenant, user)).await?;
    let active = membership.as_ref().is_some_and(|membership| membership.active);
    let mut work = UnitOfWork::new(call, super::actor(), &moment);
    let now = work.now();
    for before in &mailboxes {
        let mut after = before.clone();
        match (active, before.status) {
            (true, MailboxStatus::Suspended) => after.restore(),
            (false, MailboxStatus::Active) => after.suspend(now, now.plus(service.settings().grace)),
            _ => continue,
        }
        let about = Subject { tenant: Some(tenant), user: Some(user) };
        work.update(Action::UpdateMailbox, "mailbox", about, before, &mut after)?;
    }
    if let Some(membership) = &membership {
        work.commit.guard(membership);
    }
    service.carry_out(work).await
}

/// Marks the mailboxes of a member.
async fn of_mailbox(service: &Service, tenant: TenantId, user: UserId) -> Result<()> {
    if !service.settings().systems.contains(&SystemKind::Mail) {
        return Ok(());
    }
    let call = Call::by_part(SystemActor::Outbox);
    let mailboxes = mailboxes(service, &call, tenant, user).await?;
    let parts: Vec<Part> = mailboxes.iter().map(|mailbox| (SystemKind::Mail, Some(mailbox.id.0))).collect();
    mark::mark(service, &call, tenant, &parts).await
}

async fn mailboxes(service: &Service, call: &Call, tenant: TenantId, user: UserId) -> Result<Vec<Mailbox>> {
    let query = Query::new(&MAILBOXES)
        .sort(&MAILBOXES_OF_MEMBER)
        .equal("tenantId", tenant.0)
        .equal("userId", user.0)
        .limit(BATCH);
    Ok(service.store().load_all(&call.context, &query).await?)
}

/// Marks a person in all of their tenants.
async fn of_user(service: &Service, user: UserId) -> Result<()> {
    let mut after = None;
    loop {
        let call = Call::by_part(SystemActor::Outbox);
        let query =
            Query::new(&MEMBERSHIPS).sort(&MEMBERSHIPS_OF_USER).equal("userId", user.0).after(after).limit(BATCH);
        let memberships: Vec<Membership> = service.store().load_all(&call.context, &query).await?;
        for membership in &memberships {
            of_member(service, membership.tenant_id, user).await?;
        }
        let full = memberships.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
        let Some(last) = memberships.last().filter(|_| full) else { return Ok(()) };
        after = Some(Position { values: Vec::new(), id: last.id.0 });
    }
}
