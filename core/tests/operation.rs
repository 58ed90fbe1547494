//! Tests of the platform's own work: the outbox, erasure, and the consequences of deletions.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{sync::Arc, time::Duration};

use dezky::{
    clock::SystemClock,
    context::SystemActor,
    domain::{
        AuditActor, AuditDetails, AuditEvent, AuditEventId, AuditResource, AuditValue, Choice as _, CreateSubscription,
        CreateTenant, CreateUser, IdempotencyRecord, Membership, MembershipRole, ObjectId, OutboxEvent, OutboxEventId,
        Subscription, SubscriptionStatus, TenantId, TenantStatus, UpdateUser, User, UserActivity, UserId,
        audit::AUDIT_DETAILS, idempotency::IDEMPOTENCY_RECORDS,
    },
    service::{IdempotencyRequest, Service, ServiceSettings},
    store::{Commit, Query, Repository, SharedStore},
    work::{catch_up, forget_expired},
};
use serde_json::json;
use support::{
    by, grant,
    interleaved::{Meanwhile, interleaved},
    now, person, system, tenant, token,
};

fn service(store: &SharedStore) -> Arc<Service> {
    Arc::new(support::service(Arc::clone(store), Arc::new(SystemClock)))
}

async fn membership(store: &SharedStore, tenant: TenantId, user: UserId) -> Membership {
    let context = system().context;
    store.load_unique(&context, Membership::key(tenant, user)).await.unwrap().unwrap()
}

async fn drain(service: &Service) {
    while catch_up(service).await.unwrap() > 0 {}
}

async fn erasure_leaves_no_trace_of_the_person(store: SharedStore) {
    let service = service(&store);
    let acme = tenant(&service, "acme").await;
    let mut call = system();
    let body = Vec::new();
    call.idempotency = Some(IdempotencyRequest { key: "k".into(), target: "POST /users".into(), body });
    let input = CreateUser::read(json!({"authentikSubjectId": "anna", "email": "anna@example.eu"})).unwrap();
    let anna = service.create_user(&call, input).await.unwrap().value.id;
    grant(&service, acme, anna, MembershipRole::Member).await;
    service.profile(&by(&token("anna", None, now()))).await.unwrap();
    service.delete_user(&system(), anna).await.unwrap();
    drain(&service).await;
    let context = system().context;
    assert_eq!(store.load::<UserActivity>(&context, anna).await.unwrap(), None);
    let records: Vec<IdempotencyRecord> = store.load_all(&context, &Query::new(&IDEMPOTENCY_RECORDS)).await.unwrap();
    assert_eq!(records, []);
    let tombstone = membership(&store, acme, anna).await;
    assert_eq!((tombstone.active, tombstone.user_name, tombstone.user_email), (false, None, None));
    let again = service.profile(&by(&token("anna", Some(&["acme"]), now()))).await.unwrap_err();
    assert_eq!(again.code(), "user_deleted");
}

/// Writes personal values and their event with an age of this many days.
async fn details_of(store: &SharedStore, user: UserId, days: u64) -> AuditEventId {
    let at = now().minus(Duration::from_secs(days * 86_400));
    let mut id = ObjectId::generate().bytes();
    id[..4].copy_from_slice(&u32::try_from(at.seconds()).unwrap().to_be_bytes());
    let id = AuditEventId(ObjectId::from_bytes(id));
    let event = AuditEvent {
        id,
        version: 1,
        at,
        actor: AuditActor::part(SystemActor::Seed),
        action: "user.update".to_owned(),
        resource: AuditResource { resource_type: "user".to_owned(), id: user.0 },
        tenant_id: None,
        user_id: Some(user),
        request_id: "then".to_owned(),
        client_request_id: None,
        changed_fields: vec!["name".to_owned()],
        removed: None,
        checkpoint: None,
        details_digest: None,
        seq: None,
        hash: None,
        chain: None,
        unsealed: None,
    };
    let values = vec![AuditValue::new("name".to_owned(), Some("Then".to_owned()), None)];
    let details = AuditDetails { id, version: 1, tenant_id: None, user_id: Some(user), values, salt: None };
    let mut commit = Commit::new();
    commit.insert(&event).unwrap();
    commit.insert(&details).unwrap();
    store.commit(&system().context, &commit).await.unwrap();
    id
}

async fn personal_values_go_after_their_time_and_events_stay(store: SharedStore) {
    let kept_for = |days: Option<u64>| {
        let audit_details = days.map(|days| Duration::from_secs(days * 86_400));
        let settings = ServiceSettings { audit_details, ..ServiceSettings::default() };
        Service::new(Arc::clone(&store), Arc::new(SystemClock), settings)
    };
    let user = UserId(ObjectId::generate());
    let mut written = Vec::new();
    for days in [400, 366, 364, 31, 29, 0] {
        written.push(details_of(&store, user, days).await);
    }
    let context = system().context;
    let left = async || {
        let mut left = Vec::new();
        for id in &written {
            let details: Option<AuditDetails> = store.load(&context, *id).await.unwrap();
            left.push(details.is_some());
            let event: Option<AuditEvent> = store.load(&context, *id).await.unwrap();
            assert!(event.is_some(), "events are append-only");
        }
        left
    };
    assert_eq!(forget_expired(&kept_for(None)).await.unwrap(), 0);
    assert_eq!(left().await, [true; 6]);
    assert_eq!(forget_expired(&kept_for(Some(365))).await.unwrap(), 2);
    assert_eq!(left().await, [false, false, true, true, true, true]);
    assert_eq!(forget_expired(&kept_for(Some(30))).await.unwrap(), 2);
    assert_eq!(left().await, [false, false, false, false, true, true]);
    assert_eq!(forget_expired(&kept_for(Some(30))).await.unwrap(), 0);
}

async fn personal_values_are_bounded_whatever_they_were(store: SharedStore) {
    let service = service(&store);
    // A document of the replaced service has no length limits.
    let anna = person(&service, "anna").await;
    let context = system().context;
    let before: User = store.load(&context, anna).await.unwrap().unwrap();
    let long = User { name: Some("ä".repeat(300_000)), version: before.version + 1, ..before.clone() };
    let mut commit = Commit::new();
    commit.update(&long, before.version).unwrap();
    store.commit(&context, &commit).await.unwrap();
    let input = UpdateUser::read(json!({ "name": "Anna", "email": "anna@example.eu" })).unwrap();
    service.update_user(&system(), anna, input).await.unwrap();
    let details: Vec<AuditDetails> = store.load_all(&context, &Query::new(&AUDIT_DETAILS).limit(10)).await.unwrap();
    let values: Vec<&AuditValue> = details.iter().flat_map(|details| &details.values).collect();
    let cut = values.iter().find(|value| value.after.as_deref() == Some("Anna")).unwrap().before.as_deref().unwrap();
    assert_eq!((cut.chars().count(), cut.chars().last()), (AuditValue::MAXIMUM, Some('…')));
    let longest =
        values.iter().flat_map(|value| [&value.before, &value.after]).flatten().map(|text| text.chars().count());
    assert_eq!(longest.max(), Some(AuditValue::MAXIMUM));
    assert!(values.iter().any(|value| value.after.as_deref() == Some("anna@example.eu")), "what is short is whole");
}

async fn a_subscription_made_while_its_tenant_goes_is_cancelled(store: SharedStore) {
    let calm = service(&store);
    let acme = tenant(&calm, "acme").await;
    let other = Arc::clone(&calm);
    let meanwhile: Meanwhile = Box::new(move || {
        Box::pin(async move {
            let input = CreateSubscription::read(json!({"tenantId": acme})).unwrap();
            other.create_subscription(&system(), input).await.unwrap();
        })
    });
    interleaved(&store, meanwhile).delete_tenant(&system(), &acme.into()).await.unwrap();
    drain(&calm).await;
    let context = system().context;
    let current: Option<Subscription> = store.load_unique(&context, Subscription::current_key(acme)).await.unwrap();
    assert_eq!(current.map(|subscription| subscription.status.counts_as()), None::<SubscriptionStatus>);
}

async fn restoring_gives_back_the_state_before_the_suspension(store: SharedStore) {
    let service = service(&store);
    for (slug, status) in [("young", TenantStatus::Pending), ("grown", TenantStatus::Active)] {
        let body = json!({"slug": slug, "name": slug, "status": status.name()});
        let made = service.create_tenant(&system(), CreateTenant::read(body).unwrap()).await.unwrap().value.id;
        service.suspend_tenant(&system(), &made.into()).await.unwrap();
        service.suspend_tenant(&system(), &made.into()).await.unwrap();
        assert_eq!(service.restore_tenant(&system(), &made.into()).await.unwrap().value.status, status);
    }
}

async fn an_event_that_tells_of_a_deletion_is_not_believed_while_its_subject_lives(store: SharedStore) {
    let service = service(&store);
    let (acme, anna) = (tenant(&service, "acme").await, person(&service, "anna").await);
    grant(&service, acme, anna, MembershipRole::Member).await;
    let input = CreateSubscription::read(json!({"tenantId": acme})).unwrap();
    service.create_subscription(&system(), input).await.unwrap();
    drain(&service).await;
    let context = system().context;
    let details = async || store.find(&context, &Query::new(&AUDIT_DETAILS).limit(100)).await.unwrap();
    let before = details().await;
    let mut commit = Commit::new();
    for (action, tenant_id, user_id) in [("tenant.delete", Some(acme), None), ("user.delete", None, Some(anna))] {
        let id = OutboxEventId(ObjectId::generate());
        let (action, changed_fields) = (action.to_owned(), Vec::new());
        let created_at = now();
        let resource = None;
        let event = OutboxEvent { id, version: 1, action, tenant_id, user_id, resource, changed_fields, created_at };
        commit.insert(&event).unwrap();
    }
    store.commit(&context, &commit).await.unwrap();
    drain(&service).await;
    let current: Option<Subscription> = store.load_unique(&context, Subscription::current_key(acme)).await.unwrap();
    assert!(current.is_some());
    assert!(membership(&store, acme, anna).await.active);
    assert_eq!(details().await, before);
}

support::on_every_store! {
    erasure_leaves_no_trace_of_the_person,
    a_subscription_made_while_its_tenant_goes_is_cancelled,
    restoring_gives_back_the_state_before_the_suspension,
    an_event_that_tells_of_a_deletion_is_not_believed_while_its_subject_lives,
    personal_values_go_after_their_time_and_events_stay,
    personal_values_are_bounded_whatever_they_were,
}
