//! Keeps the copies of names in memberships current, and revokes the memberships of an erased person.

use super::{BATCH, ERASED, actor};
use crate::{
    authz::Action,
    context::SystemActor,
    domain::{
        Event, Membership, RevokedBy, Tenant, TenantId, User, UserId,
        membership::{MEMBERSHIPS, MEMBERSHIPS_OF_TENANT, MEMBERSHIPS_OF_USER},
    },
    error::Result,
    service::{
        Call, Service,
        moment::Moment,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Index, Position, Query, Repository},
    work::consumer::{Consumer, Follows},
};

pub(in crate::work) const COPIES: Consumer = Consumer {
    name: "copies",
    summary: "keeps the copies of names in memberships current",
    follows: &[
        Follows { action: Action::UpdateTenant, fields: &["slug", "name"] },
        Follows { action: Action::UpdateUser, fields: &["name", "email"] },
        Follows { action: Action::DeleteUser, fields: &[] },
    ],
    notes: &[],
    handle: |service, event| Box::pin(refresh(service, event)),
};

/// Origin of the copies.
enum Origin {
    Tenant(TenantId),
    User(UserId),
}

async fn refresh(service: &Service, event: &Event) -> Result<()> {
    // Events about a tenant name no person, and those about a person no tenant.
    let origin = match (event.user_id, event.tenant_id) {
        (Some(user), _) => Origin::User(user),
        (None, Some(tenant)) => Origin::Tenant(tenant),
        (None, None) => return Ok(()),
    };
    let mut after = None;
    loop {
        let call = Call::by_part(SystemActor::Outbox);
        let page = async |moment| refresh_page(service, &call, moment, &origin, after.clone()).await;
        match service.settle(&call, page).await? {
            Some(position) => after = Some(position),
            None => return Ok(()),
        }
    }
}

/// Refreshes a page of memberships. Returns where the next page begins, if there is one.
async fn refresh_page(
    service: &Service,
    call: &Call,
    moment: Moment,
    origin: &Origin,
    after: Option<Position>,
) -> Result<Option<Position>> {
    let (field, id, index): (_, _, &'static Index) = match origin {
        Origin::Tenant(tenant) => ("tenantId", tenant.0, &MEMBERSHIPS_OF_TENANT),
        Origin::User(user) => ("userId", user.0, &MEMBERSHIPS_OF_USER),
    };
    let query = Query::new(&MEMBERSHIPS).sort(index).equal(field, id).after(after).limit(BATCH);
    let memberships: Vec<Membership> = service.store().load_all(&call.context, &query).await?;
    let (tenant, user): (Option<Tenant>, Option<User>) = match origin {
        Origin::Tenant(tenant) => (service.store().load(&call.context, *tenant).await?, None),
        Origin::User(user) => (None, service.store().load(&call.context, *user).await?),
    };
    let mut work = UnitOfWork::new(call, actor(), &moment).without_details();
    let mut erased = 0;
    for before in &memberships {
        refresh_one(&mut work, before, tenant.as_ref(), user.as_ref())?;
        let named = before.user_name.is_some() || before.user_email.is_some();
        erased += usize::from(named && user.as_ref().is_some_and(User::is_deleted));
    }
    if let Some(user) = user.as_ref().filter(|_| erased > 0) {
        work.removing(MEMBERSHIPS.name, erased);
        work.note(ERASED, "user", user.id.0, Subject { tenant: None, user: Some(user.id) }, Vec::new())?;
    }
    if !work.commit.is_empty() {
        tenant.iter().for_each(|tenant| work.commit.guard(tenant));
        user.iter().for_each(|user| work.commit.guard(user));
        service.carry_out(work).await?;
    }
    let full = memberships.len() >= usize::try_from(BATCH).unwrap_or(usize::MAX);
    Ok(memberships.last().filter(|_| full).map(|last| Position { values: Vec::new(), id: last.id.0 }))
}

fn refresh_one(
    work: &mut UnitOfWork<'_>,
    before: &Membership,
    tenant: Option<&Tenant>,
    user: Option<&User>,
) -> Result<()> {
    let mut after = before.clone();
    tenant.map(|tenant| after.copy_tenant(tenant));
    // A former member's tenant learns nothing new, but forgets a person who was erased.
    user.filter(|user| user.is_deleted() || before.follows_person()).map(|user| after.copy_user(user));
    if user.is_some_and(User::is_deleted) && before.active {
        after.revoke(RevokedBy::System, work.now());
        let about = Subject { tenant: Some(before.tenant_id), user: Some(before.user_id) };
        work.update(Action::RevokeMembership, "membership", about, before, &mut after)?;
    } else if after != *before {
        // Copies are no news of the membership: they are neither audited nor put into the outbox.
        work.refresh(before, &mut after)?;
    }
    Ok(())
}
