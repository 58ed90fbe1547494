//! The audit trail's chains: sealed once and in order, and no change of a sealed event goes unseen.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "trail/random.rs"]
mod random;
#[path = "trail/removal.rs"]
mod removal;
mod support;
#[path = "trail/tampering.rs"]
mod tampering;

use std::{collections::BTreeMap, sync::Arc};

use dezky::{
    clock::SystemClock,
    domain::{
        AuditChain, AuditDetails, AuditEvent, MembershipRole, TenantId, UpdateTenant, UpdateUser, UserId,
        audit::{AUDIT_DETAILS, AUDIT_EVENTS, AUDIT_OF_CHAIN},
    },
    service::Service,
    store::{Commit, Query, Repository as _, SharedStore},
    work::{
        catch_up,
        trail::{self, Verified, seal, verify_all},
    },
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use support::{
    grant,
    interleaved::{Meanwhile, interleaved},
    person, system, tenant,
};

fn service(store: &SharedStore) -> Service {
    support::service(Arc::clone(store), Arc::new(SystemClock))
}

async fn rename(service: &Service, tenant: TenantId, name: &str) {
    let input = UpdateTenant::read(json!({ "name": name })).unwrap();
    service.update_tenant(&system(), &tenant.into(), input).await.unwrap();
}

async fn rename_person(service: &Service, user: UserId, name: &str) {
    let input = UpdateUser::read(json!({ "name": name })).unwrap();
    service.update_user(&system(), user, input).await.unwrap();
}

/// Seals all that waits.
async fn seal_all(service: &Service) {
    while seal(service).await.unwrap() > 0 {}
}

/// Returns the events of a chain in its order.
async fn events(store: &SharedStore, tenant: Option<TenantId>) -> Vec<AuditEvent> {
    let chain = AuditChain::id_of(tenant);
    let query = Query::new(&AUDIT_EVENTS).sort(&AUDIT_OF_CHAIN).equal("chain", chain).limit(1_000);
    store.load_all(&system().context, &query).await.unwrap()
}

async fn head(store: &SharedStore, tenant: Option<TenantId>) -> AuditChain {
    store.load(&system().context, AuditChain::id_of(tenant)).await.unwrap().unwrap()
}

/// Returns what each chain came to, by tenant.
async fn verified(service: &Service) -> BTreeMap<Option<TenantId>, Verified> {
    let mut all = BTreeMap::new();
    verify_all(service, |one| {
        assert!(all.insert(one.tenant_id, one).is_none(), "a chain is verified once");
    })
    .await
    .unwrap();
    all
}

async fn assert_green(service: &Service) {
    for (tenant, one) in verified(service).await {
        assert_eq!(one.finding, None, "{tenant:?}");
    }
}

/// A tenant with a member and some history.
struct Estate {
    service: Service,
    acme: TenantId,
    anna: UserId,
}

impl Estate {
    async fn new(store: &SharedStore) -> Self {
        let service = service(store);
        let acme = tenant(&service, "acme").await;
        let anna = person(&service, "anna").await;
        grant(&service, acme, anna, MembershipRole::Member).await;
        for number in 0..6 {
            rename(&service, acme, &format!("Acme {number}")).await;
            rename_person(&service, anna, &format!("Anna {number}")).await;
        }
        catch_up(&service).await.unwrap();
        seal_all(&service).await;
        Self { service, acme, anna }
    }
}

async fn every_event_has_a_place_in_the_chain_of_its_tenant(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let of_acme = events(&store, Some(estate.acme)).await;
    let numbers: Vec<u64> = of_acme.iter().map(|event| event.seq.unwrap()).collect();
    assert_eq!(numbers, (1..=of_acme.len() as u64).collect::<Vec<_>>());
    assert!(of_acme.iter().all(|event| event.tenant_id == Some(estate.acme) && event.unsealed.is_none()));
    assert!(of_acme.len() >= 8, "{}", of_acme.len());
    let of_platform = events(&store, None).await;
    assert!(of_platform.iter().all(|event| event.tenant_id.is_none()));
    let all = verified(&estate.service).await;
    assert_eq!(all.len(), 2);
    for (tenant, one) in &all {
        assert_eq!(one.finding, None);
        assert_eq!(one.seq, head(&store, *tenant).await.seq);
        assert_eq!(one.hash, head(&store, *tenant).await.hash);
    }
    // What comes later goes on from there.
    rename(&estate.service, estate.acme, "Acme SE").await;
    seal_all(&estate.service).await;
    assert_eq!(head(&store, Some(estate.acme)).await.seq, all[&Some(estate.acme)].seq + 1);
    assert_green(&estate.service).await;
}

/// Serializes a value as RFC 8785 has it. Members of these values have ASCII names, and numbers are whole.
fn canonical(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            let members: Vec<String> =
                sorted.iter().map(|(name, value)| format!("{}:{}", json!(name), canonical(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

fn sha256(value: &Value) -> String {
    hex::encode(Sha256::digest(canonical(value)))
}

/// Follows docs/design/audit.md, over the events as the API shows them, without the code that seals.
async fn anybody_can_compute_the_seals_from_what_the_api_shows(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let filter = dezky::service::audit::AuditFilter { tenant: Some(estate.acme.into()), ..Default::default() };
    let page = estate.service.list_audit(&system(), &filter, &Default::default()).await.unwrap();
    let mut shown: Vec<Value> = page.items.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    shown.sort_by_key(|event| event["seq"].as_u64());
    let mut previous = "0".repeat(64);
    for event in &shown {
        let mut content = event.clone();
        for name in ["action", "at", "seq", "hash"] {
            content.as_object_mut().unwrap().remove(name);
        }
        let link = json!({
            "action": event["action"], "at": event["at"], "chain": estate.acme, "content": sha256(&content),
            "previous": previous, "seq": event["seq"],
        });
        previous = sha256(&link);
        assert_eq!(event["hash"], previous);
    }
    assert_eq!(head(&store, Some(estate.acme)).await.hash, previous);
    // The digest of personal values, while they are there.
    let details: Vec<AuditDetails> =
        store.load_all(&system().context, &Query::new(&AUDIT_DETAILS).limit(200)).await.unwrap();
    let of_acme = details.iter().find(|one| one.tenant_id == Some(estate.acme)).unwrap();
    let event = shown.iter().find(|event| event["id"] == json!(of_acme.id)).unwrap();
    assert_eq!(event["detailsDigest"], sha256(&json!({"salt": of_acme.salt, "values": of_acme.values})));
}

async fn a_paused_sealer_gives_no_number_twice(store: SharedStore) {
    let estate = Estate::new(&store).await;
    for number in 0..5 {
        rename(&estate.service, estate.acme, &format!("Waiting {number}")).await;
    }
    let before = head(&store, Some(estate.acme)).await.seq;
    let (other, acme) = (Arc::clone(&store), estate.acme);
    let meanwhile: Meanwhile = Box::new(move || {
        Box::pin(async move {
            let service = service(&other);
            seal_all(&service).await;
            rename(&service, acme, "Meanwhile").await;
        })
    });
    // It has read what waits and computed the seals; another one seals the same before it commits.
    seal_all(&interleaved(&store, meanwhile)).await;
    let numbers: Vec<u64> = events(&store, Some(acme)).await.iter().map(|event| event.seq.unwrap()).collect();
    assert_eq!(numbers, (1..=before + 6).collect::<Vec<_>>());
    assert_green(&estate.service).await;
}

async fn sealers_at_the_same_time_make_one_chain(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let mut running = tokio::task::JoinSet::new();
    for worker in 0..6 {
        let (store, acme) = (Arc::clone(&store), estate.acme);
        running.spawn(async move {
            let service = service(&store);
            for number in 0..4 {
                if worker % 2 == 0 {
                    let input = json!({"authentikSubjectId": format!("{worker}-{number}"), "name": "Somebody"});
                    let input = dezky::domain::CreateUser::read(input).unwrap();
                    let user = service.create_user(&system(), input).await.unwrap().value.id;
                    grant(&service, acme, user, MembershipRole::Member).await;
                } else {
                    seal(&service).await.unwrap();
                }
            }
        });
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    seal_all(&estate.service).await;
    assert_green(&estate.service).await;
    assert!(verified(&estate.service).await[&Some(estate.acme)].events >= 8 + 12);
}

/// Makes the store look like that of a release without seals.
async fn unseal(store: &SharedStore) {
    let context = system().context;
    let all: Vec<AuditEvent> = store.load_all(&context, &Query::new(&AUDIT_EVENTS).limit(1_000)).await.unwrap();
    let chains: Vec<AuditChain> =
        store.load_all(&context, &Query::new(&dezky::domain::trail::AUDIT_CHAINS).limit(1_000)).await.unwrap();
    let details: Vec<AuditDetails> = store.load_all(&context, &Query::new(&AUDIT_DETAILS).limit(1_000)).await.unwrap();
    let mut commit = Commit::new();
    chains.iter().for_each(|chain| commit.delete(chain));
    for event in all {
        let before = event.version;
        let (seq, hash, chain, unsealed, details_digest) = Default::default();
        commit.update(&AuditEvent { version: 1, seq, hash, chain, unsealed, details_digest, ..event }, before).unwrap();
    }
    for one in details {
        let before = one.version;
        commit.update(&AuditDetails { version: 1, salt: None, ..one }, before).unwrap();
    }
    store.commit(&context, &commit).await.unwrap();
}

async fn events_of_earlier_releases_are_sealed_in_order(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let before = events(&store, Some(estate.acme)).await;
    unseal(&store).await;
    assert_eq!(trail::waits(&estate.service).await.unwrap(), Some(std::time::Duration::ZERO));
    // Changes of this release come while the old events are prepared.
    rename(&estate.service, estate.acme, "Acme SE").await;
    seal_all(&estate.service).await;
    let after = events(&store, Some(estate.acme)).await;
    assert_eq!(after.len(), before.len() + 1);
    let mut in_time = after.clone();
    in_time.sort_by_key(|event| (event.at, event.id));
    assert_eq!(after, in_time);
    assert_green(&estate.service).await;
    assert!(after.iter().any(|event| event.details_digest.is_some()));
    assert_eq!(trail::waits(&estate.service).await.unwrap(), None);
}

async fn an_erasure_leaves_the_chain_as_it_is(store: SharedStore) {
    let estate = Estate::new(&store).await;
    let before = events(&store, None).await;
    estate.service.delete_user(&system(), estate.anna).await.unwrap();
    catch_up(&estate.service).await.unwrap();
    seal_all(&estate.service).await;
    assert_green(&estate.service).await;
    let after = events(&store, None).await;
    assert_eq!(after[..before.len()], before[..]);
    let details: Vec<AuditDetails> =
        store.load_all(&system().context, &Query::new(&AUDIT_DETAILS).limit(200)).await.unwrap();
    for one in details.iter().filter(|one| one.user_id == Some(estate.anna)) {
        assert_eq!((one.values.len(), &one.salt), (0, &None));
    }
}

support::on_every_store! {
    every_event_has_a_place_in_the_chain_of_its_tenant,
    anybody_can_compute_the_seals_from_what_the_api_shows,
    a_paused_sealer_gives_no_number_twice,
    sealers_at_the_same_time_make_one_chain,
    events_of_earlier_releases_are_sealed_in_order,
    an_erasure_leaves_the_chain_as_it_is,
}
