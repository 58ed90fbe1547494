//! Retention, erasure and the purge of tenants: what they remove, what they leave, and what they report.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use dezky::{
    clock::Clock as _,
    domain::{
        AuditDetails, AuditStub, MembershipRole, Tenant, TenantId, UserId,
        audit::{AUDIT_DETAILS, AUDIT_EVENTS},
        trail::AUDIT_STUBS,
    },
    service::{Service, ServiceSettings, audit::AuditFilter},
    store::{Query, Repository as _, SharedStore},
    test_kit::ManualClock,
    work::{catch_up, purge, trail},
};

use super::{
    assert_green, events, grant, head, person, rename, rename_person, seal_all,
    support::{self, system},
    tenant,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn service(store: &SharedStore, clock: &Arc<ManualClock>, kept: &[(&str, u32)]) -> Service {
    let audit_retention = kept.iter().map(|(kind, days)| ((*kind).to_owned(), DAY * *days)).collect();
    Service::new(Arc::clone(store), clock.clone(), ServiceSettings { audit_retention, ..ServiceSettings::default() })
}

/// Adds up what the events about a tenant or a person say was removed.
async fn report(service: &Service, tenant: Option<TenantId>, user_id: Option<UserId>) -> BTreeMap<String, u64> {
    let filter = AuditFilter { tenant: tenant.map(Into::into), user_id, ..AuditFilter::default() };
    let request = dezky::service::ListRequest { limit: Some(200), cursor: None };
    let page = service.list_audit(&system(), &filter, &request).await.unwrap();
    let mut all = BTreeMap::new();
    for removed in page.items.into_iter().flat_map(|event| event.removed.unwrap_or_default()) {
        *all.entry(removed.place).or_default() += removed.count;
    }
    all
}

fn sum(of: &[(&str, u64)]) -> BTreeMap<String, u64> {
    of.iter().map(|(place, count)| ((*place).to_owned(), *count)).collect()
}

async fn retention_removes_kinds_and_the_chain_stays_whole(store: SharedStore) {
    let clock = Arc::new(ManualClock::at_now());
    let service = service(&store, &clock, &[("tenant", 30)]);
    let acme = tenant(&service, "acme").await;
    rename(&service, acme, "Acme 1").await;
    let anna = person(&service, "anna").await;
    grant(&service, acme, anna, MembershipRole::Member).await;
    rename(&service, acme, "Acme 2").await;
    seal_all(&service).await;
    let before = events(&store, Some(acme)).await;
    assert_eq!(before.len(), 4);
    assert_eq!(trail::retain(&service).await.unwrap(), 0, "nothing is old enough");
    clock.advance(DAY * 31);
    rename(&service, acme, "Acme 3").await;
    seal_all(&service).await;
    assert_eq!(trail::retain(&service).await.unwrap(), 3);
    assert_green(&service).await;
    // The grant, the last change, and the checkpoint are left; the rest are stubs without anything personal.
    let left: Vec<String> = events(&store, Some(acme)).await.into_iter().map(|event| event.action).collect();
    assert_eq!(left, ["membership.grant", "tenant.update", "audit.retain"]);
    let stubs: Vec<AuditStub> = store.load_all(&system().context, &Query::new(&AUDIT_STUBS).limit(200)).await.unwrap();
    assert_eq!(stubs.iter().filter(|stub| stub.chain == acme.0).count(), 3);
    let details: Vec<AuditDetails> =
        store.load_all(&system().context, &Query::new(&AUDIT_DETAILS).limit(200)).await.unwrap();
    assert!(details.iter().all(|one| before.iter().all(|event| event.id != one.id || event.action == left[0])));
    // The next run moves the beginning of the chain past what is removed.
    clock.advance(DAY * 31);
    assert_eq!(trail::retain(&service).await.unwrap(), 1);
    assert_green(&service).await;
    let chain = head(&store, Some(acme)).await;
    assert_eq!((chain.start_seq, &chain.start_hash), (2, before[1].hash.as_ref().unwrap()));
    let checkpoint = events(&store, Some(acme)).await.last().unwrap().checkpoint.clone().unwrap();
    assert_eq!((checkpoint.seq, checkpoint.expired.len()), (2, 1));
    // A copy of the head from before is still known, unless it is before the beginning.
    for (position, event) in before.iter().enumerate() {
        let found = trail::verify_copy(&service, Some(acme), position as u64 + 1, event.hash.as_ref().unwrap()).await;
        assert_eq!(found.unwrap(), None);
    }
}

async fn an_event_that_no_retention_covers_may_not_be_missing(store: SharedStore) {
    let clock = Arc::new(ManualClock::at_now());
    let kept = service(&store, &clock, &[("tenant", 30)]);
    let acme = tenant(&kept, "acme").await;
    let anna = person(&kept, "anna").await;
    grant(&kept, acme, anna, MembershipRole::Member).await;
    clock.advance(DAY * 31);
    rename(&kept, acme, "Acme 1").await;
    seal_all(&kept).await;
    assert_eq!(trail::retain(&kept).await.unwrap(), 1);
    let event = events(&store, Some(acme)).await[0].clone();
    assert_eq!(event.action, "membership.grant");
    // Whoever writes to the store makes a stub of it, as retention does.
    let mut commit = dezky::store::Commit::new();
    commit.delete(&event);
    commit
        .insert(&AuditStub {
            id: event.id,
            version: 1,
            tenant_id: event.tenant_id,
            chain: acme.0,
            seq: event.seq.unwrap(),
            action: event.action.clone(),
            at: event.at,
            content: hex::encode(dezky::domain::seal::content(&event)),
            hash: event.hash.clone().unwrap(),
        })
        .unwrap();
    store.commit(&system().context, &commit).await.unwrap();
    let found = trail::verify(&kept, Some(acme)).await.unwrap().finding.unwrap();
    assert_eq!((found.seq, found.fault), (event.seq.unwrap(), trail::Fault::Removed));
}

async fn an_erasure_reports_what_it_removed(store: SharedStore) {
    let clock = Arc::new(ManualClock::at_now());
    let service = service(&store, &clock, &[]);
    let acme = tenant(&service, "acme").await;
    let anna = person(&service, "anna").await;
    grant(&service, acme, anna, MembershipRole::Member).await;
    for number in 0..3 {
        rename_person(&service, anna, &format!("Anna {number}")).await;
    }
    service.profile(&support::by(&support::token("anna", None, clock.now()))).await.unwrap();
    catch_up(&service).await.unwrap();
    let with_values = async || {
        let all: Vec<AuditDetails> =
            store.load_all(&system().context, &Query::new(&AUDIT_DETAILS).limit(200)).await.unwrap();
        all.iter().filter(|one| one.user_id == Some(anna) && !one.values.is_empty()).count() as u64
    };
    let values = with_values().await;
    assert!(values >= 4, "{values}");
    service.delete_user(&system(), anna).await.unwrap();
    while catch_up(&service).await.unwrap() > 0 {}
    let told = sum(&[("users", 1), ("audit_details", values), ("user_activity", 1), ("memberships", 1)]);
    assert_eq!(report(&service, None, Some(anna)).await, told);
    assert_eq!(with_values().await, 0);
    // Work that is done twice removes nothing twice, and reports nothing twice.
    while catch_up(&service).await.unwrap() > 0 {}
    assert_eq!(report(&service, None, Some(anna)).await, told);
    seal_all(&service).await;
    assert_green(&service).await;
}

async fn a_tenant_is_purged_after_the_grace_and_its_trail_stays(store: SharedStore) {
    let clock = Arc::new(ManualClock::at_now());
    let service = service(&store, &clock, &[]);
    let (acme, other) = (tenant(&service, "acme").await, tenant(&service, "other").await);
    let anna = person(&service, "anna").await;
    for tenant in [acme, other] {
        grant(&service, tenant, anna, MembershipRole::Member).await;
        rename(&service, tenant, "Renamed").await;
    }
    service.delete_tenant(&system(), &acme.into()).await.unwrap();
    while catch_up(&service).await.unwrap() > 0 {}
    clock.advance(DAY * 29);
    assert_eq!(purge::purge(&service).await.unwrap(), 0, "it can be undone");
    clock.advance(DAY * 2);
    // States of systems that nobody has reached are no data of theirs, but nothing says that they are removed.
    let waiting = purge::purge(&service).await.unwrap();
    assert_eq!(waiting, 1);
    assert_eq!(purge::purge(&service).await.unwrap(), 0, "once");
    let context = system().context;
    for (collection, field) in purge::collections() {
        let mut query = Query::new(collection).equal(field, acme.0);
        query.sort =
            Some(collection.index_of(field).unwrap_or_else(|| panic!("`{}` has no such index", collection.name)));
        assert_eq!(store.find(&context, &query).await.unwrap().len(), 0, "{}", collection.name);
    }
    let left: Tenant = store.load(&context, acme).await.unwrap().unwrap();
    assert_eq!((left.slug.as_str(), left.name.as_str(), left.authentik_group.as_deref()), ("acme", "acme", None));
    assert_eq!(left.purged_at, Some(clock.now()));
    let details: Vec<AuditDetails> = store.load_all(&context, &Query::new(&AUDIT_DETAILS).limit(200)).await.unwrap();
    let values = |tenant| details.iter().filter(|one| one.tenant_id == Some(tenant) && !one.values.is_empty()).count();
    assert_eq!(values(acme), 0);
    assert!(values(other) > 0);
    let told = report(&service, Some(acme), None).await;
    assert_eq!((told["tenants"], told["memberships"]), (1, 1), "{told:?}");
    assert!(told["audit_details"] >= 2, "{told:?}");
    assert!(report(&service, Some(other), None).await.is_empty());
    seal_all(&service).await;
    assert_green(&service).await;
    let trail = store.find(&context, &Query::new(&AUDIT_EVENTS).equal("tenantId", acme.0).limit(200)).await.unwrap();
    assert!(trail.len() >= 5, "{}", trail.len());
    // Its slug stays reserved.
    let body = serde_json::json!({"slug": "acme", "name": "Another"});
    let input = dezky::domain::CreateTenant::read(body).unwrap();
    assert_eq!(service.create_tenant(&system(), input).await.unwrap_err().code(), "slug_taken");
}

support::on_every_store! {
    retention_removes_kinds_and_the_chain_stays_whole,
    an_event_that_no_retention_covers_may_not_be_missing,
    an_erasure_reports_what_it_removed,
    a_tenant_is_purged_after_the_grace_and_its_trail_stays,
}
