//! Erases what is left of an erased person: values in the audit trail, activity, invitations, what was pushed
//! about them, and stored answers that show them.
//!
//! Each commit has an audit event with the numbers of what it removed; their sum is the report of the erasure.

use super::{BATCH, ERASED, actor};
use crate::{
    authz::Action,
    context::SystemActor,
    domain::{
        AuditDetails, Event, IdempotencyRecord, Invitation, ProvisionedMember, ProvisionedUser, User, UserActivity,
        UserId,
        activity::USER_ACTIVITY,
        audit::{AUDIT_DETAILS, DETAILS_OF_USER},
        idempotency::{IDEMPOTENCY_OF_USER, IDEMPOTENCY_RECORDS},
        invitation::{INVITATIONS, INVITATIONS_OF_PERSON},
        provisioned::{PROVISIONED_MEMBERS, PROVISIONED_MEMBERS_OF_USER, PROVISIONED_USERS},
    },
    error::Result,
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Collection, Position, Query, Read, Repository},
    work::consumer::{Consumer, Follows},
};

pub(in crate::work) const ERASURE: Consumer = Consumer {
    name: "erasure",
    summary: "erases what is left of erased people",
    follows: &[Follows { action: Action::DeleteUser, fields: &[] }],
    notes: &[],
    handle: |service, event| Box::pin(erase(service, event)),
};

async fn erase(service: &Service, event: &Event) -> Result<()> {
    let Some(id) = event.user_id else { return Ok(()) };
    let call = Call::by_part(SystemActor::Outbox);
    let user: Option<User> = service.store().load(&call.context, id).await?;
    // The event is checked against the store: nobody alive is erased because an event is wrong.
    if user.is_some_and(|user| !user.is_deleted()) {
        return Ok(());
    }
    erase_details(service, id).await?;
    erase_activity(service, id).await?;
    erase_invitations(service, id).await?;
    erase_provisioned(service, id).await?;
    erase_answers(service, id).await
}

/// Records what a commit removes of a person, in that commit.
fn report(work: &mut UnitOfWork<'_>, user: UserId, place: &Collection, count: usize) -> Result<()> {
    work.removing(place.name, count);
    work.note(ERASED, "user", user.0, Subject { tenant: None, user: Some(user) }, Vec::new())
}

/// Empties the personal values of the person in the audit trail. The events stay, and with them the digests of the values.
async fn erase_details(service: &Service, user: UserId) -> Result<()> {
    let mut after = None;
    loop {
        let call = Call::by_part(SystemActor::Outbox);
        let page = async |moment| erase_page(service, &call, moment, user, after.clone()).await;
        match service.settle(&call, page).await? {
            Some(position) => after = Some(position),
            None => return Ok(()),
        }
    }
}

/// Empties a page of personal values. Returns where the next page begins, if there is one.
async fn erase_page(
    service: &Service,
    call: &Call,
    moment: Moment,
    user: UserId,
    after: Option<Position>,
) -> Result<Option<Position>> {
    let query = Query::new(&AUDIT_DETAILS).sort(&DETAILS_OF_USER).equal("userId", user.0).after(after).limit(BATCH);
    let details: Vec<AuditDetails> = service.store().load_all(&call.context, &query).await?;
    let mut work = UnitOfWork::new(call, actor(), &moment).without_details();
    let mut count = 0;
    for stored in details.iter().filter(|stored| !stored.values.is_empty()) {
        work.commit.update(&stored.emptied(), stored.version)?;
        count += 1;
    }
    if count > 0 {
        report(&mut work, user, &AUDIT_DETAILS, count)?;
        service.carry_out(work).await?;
    }
    let full = details.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
    Ok(details.last().filter(|_| full).map(|last| Position { values: Vec::new(), id: last.id.0 }))
}

async fn erase_activity(service: &Service, user: UserId) -> Result<()> {
    let call = Call::by_part(SystemActor::Outbox);
    service.settle(&call, |moment| try_erase_activity(service, &call, moment, user)).await
}

async fn try_erase_activity(service: &Service, call: &Call, moment: Moment, user: UserId) -> Result<()> {
    let activity: Option<UserActivity> = service.store().load(&call.context, user).await?;
    let Some(activity) = activity else { return Ok(()) };
    let mut work = UnitOfWork::new(call, actor(), &moment).without_details();
    work.commit.delete(&activity);
    report(&mut work, user, &USER_ACTIVITY, 1)?;
    service.carry_out(work).await
}

/// Removes the invitations that the person has accepted, which have their name and address.
async fn erase_invitations(service: &Service, user: UserId) -> Result<()> {
    loop {
        let call = Call::by_part(SystemActor::Outbox);
        if service.settle(&call, |moment| try_erase_invitations(service, &call, moment, user)).await? == 0 {
            return Ok(());
        }
    }
}

async fn try_erase_invitations(service: &Service, call: &Call, moment: Moment, user: UserId) -> Result<usize> {
    let query = Query::new(&INVITATIONS).sort(&INVITATIONS_OF_PERSON).equal("acceptedBy", user.0).limit(BATCH);
    let invitations: Vec<Invitation> = service.store().load_all(&call.context, &query).await?;
    if !invitations.is_empty() {
        let mut work = UnitOfWork::new(call, actor(), &moment).without_details();
        invitations.iter().for_each(|invitation| work.commit.delete(invitation));
        report(&mut work, user, &INVITATIONS, invitations.len())?;
        service.carry_out(work).await?;
    }
    Ok(invitations.len())
}

/// Removes what an identity provider has pushed about the person.
async fn erase_provisioned(service: &Service, user: UserId) -> Result<()> {
    loop {
        let call = Call::by_part(SystemActor::Outbox);
        if service.settle(&call, |moment| try_erase_provisioned(service, &call, moment, user)).await? == 0 {
            return Ok(());
        }
    }
}

async fn try_erase_provisioned(service: &Service, call: &Call, moment: Moment, user: UserId) -> Result<usize> {
    let members =
        Query::new(&PROVISIONED_MEMBERS).sort(&PROVISIONED_MEMBERS_OF_USER).equal("userId", user.0).limit(BATCH);
    let reads: [Read; 2] = [members.into(), Query::new(&PROVISIONED_USERS).equal("id", user.0).limit(1).into()];
    let mut answers = service.store().load_together(&call.context, &reads).await?;
    let members: Vec<ProvisionedMember> = answers.all()?;
    let pushed: Vec<ProvisionedUser> = answers.all()?;
    let mut work = UnitOfWork::new(call, actor(), &moment).without_details();
    members.iter().for_each(|member| work.commit.delete(member));
    pushed.iter().for_each(|person| work.commit.delete(person));
    if !work.commit.is_empty() {
        work.removing(PROVISIONED_MEMBERS.name, members.len());
        report(&mut work, user, &PROVISIONED_USERS, pushed.len())?;
        service.carry_out(work).await?;
    }
    Ok(members.len() + pushed.len())
}

/// Removes the stored answers that show the person.
async fn erase_answers(service: &Service, user: UserId) -> Result<()> {
    loop {
        let call = Call::by_part(SystemActor::Outbox);
        if service.settle(&call, |moment| try_erase_answers(service, &call, moment, user)).await? == 0 {
            return Ok(());
        }
    }
}

async fn try_erase_answers(service: &Service, call: &Call, moment: Moment, user: UserId) -> Result<usize> {
    let query = Query::new(&IDEMPOTENCY_RECORDS).sort(&IDEMPOTENCY_OF_USER).equal("userId", user.0).limit(BATCH);
    let records: Vec<IdempotencyRecord> = service.store().load_all(&call.context, &query).await?;
    if !records.is_empty() {
        let mut work = UnitOfWork::new(call, actor(), &moment).without_details();
        records.iter().for_each(|record| work.commit.delete(record));
        report(&mut work, user, &IDEMPOTENCY_RECORDS, records.len())?;
        service.carry_out(work).await?;
    }
    Ok(records.len())
}
