//! Tests that a revocation wins over a write in flight, and that no token restores a revoked right.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "revocation/claims.rs"]
mod claims;
mod support;

use std::sync::Arc;

use claims::{
    a_claim_in_flight_does_not_revive_what_a_person_takes_meanwhile,
    a_first_use_decides_by_no_rights_from_before_what_another_took,
    a_first_use_in_flight_takes_no_grant_and_eases_no_revocation,
    a_hundred_profiles_in_flight_do_not_bring_back_what_was_revoked,
    a_store_that_takes_no_changes_lets_in_only_whoever_has_nothing_to_lose,
    first_uses_at_the_same_time_are_all_refused_and_one_takes, in_no_order_of_calls_does_a_claim_undo_a_revocation,
    of_a_claims_own_tombstone_only_a_later_claim_makes_a_membership,
};
use dezky::{
    clock::SystemClock,
    context::RequestContext,
    domain::{CreateApiKey, MembershipRole, TenantId, UpdateTenant, UserId, api_key::PresentedKey},
    service::{Call, Principal, Service, api_keys::RotateSecret},
    store::SharedStore,
};
use serde_json::json;
use support::{
    by, grant,
    interleaved::{Meanwhile, interleaved},
    now, person, system, tenant, token,
};

/// A tenant with two owners, `anna` and `berta`.
struct Estate {
    service: Arc<Service>,
    tenant: TenantId,
    anna: UserId,
}

async fn estate(store: &SharedStore) -> Estate {
    let service = Arc::new(support::service(Arc::clone(store), Arc::new(SystemClock)));
    let tenant = tenant(&service, "acme").await;
    let anna = person(&service, "anna").await;
    let berta = person(&service, "berta").await;
    grant(&service, tenant, anna, MembershipRole::Owner).await;
    grant(&service, tenant, berta, MembershipRole::Owner).await;
    Estate { service, tenant, anna }
}

/// Renames the tenant as Anna, with a change between the decision and the commit. Returns the code of her answer.
async fn rename_while(store: &SharedStore, tenant: TenantId, meanwhile: Meanwhile) -> &'static str {
    let service = interleaved(store, meanwhile);
    let input = UpdateTenant::read(json!({"name": "Renamed"})).unwrap();
    let anna = token("anna", None, now());
    service.update_tenant(&by(&anna), &tenant.into(), input).await.unwrap_err().code()
}

async fn name_of(estate: &Estate) -> String {
    estate.service.read_tenant(&system(), &estate.tenant.into()).await.unwrap().name
}

async fn members(estate: &Estate) -> Vec<UserId> {
    let (filter, request) = (Default::default(), Default::default());
    let page = estate.service.list_members(&system(), &estate.tenant.into(), &filter, &request).await.unwrap();
    page.items.into_iter().map(|member| member.user_id).collect()
}

async fn a_revoked_membership_wins_over_a_write_in_flight(store: SharedStore) {
    let estate = estate(&store).await;
    let (service, tenant, anna) = (Arc::clone(&estate.service), estate.tenant, estate.anna);
    let revoke: Meanwhile = Box::new(move || {
        Box::pin(async move { service.revoke_membership(&system(), &tenant.into(), anna).await.unwrap() })
    });
    assert_eq!(rename_while(&store, estate.tenant, revoke).await, "not_found");
    assert_eq!(name_of(&estate).await, "acme");
}

async fn a_disabled_user_loses_against_a_write_in_flight(store: SharedStore) {
    let estate = estate(&store).await;
    let (service, anna) = (Arc::clone(&estate.service), estate.anna);
    let disable: Meanwhile = Box::new(move || {
        Box::pin(async move {
            let input = dezky::domain::UpdateUser::read(json!({"status": "disabled"})).unwrap();
            service.update_user(&system(), anna, input).await.unwrap();
        })
    });
    assert_eq!(rename_while(&store, estate.tenant, disable).await, "user_disabled");
    assert_eq!(name_of(&estate).await, "acme");
}

async fn a_suspended_tenant_wins_over_a_write_in_flight(store: SharedStore) {
    let estate = estate(&store).await;
    let (service, tenant) = (Arc::clone(&estate.service), estate.tenant);
    let suspend: Meanwhile = Box::new(move || {
        Box::pin(async move {
            service.suspend_tenant(&system(), &tenant.into()).await.unwrap();
        })
    });
    assert_eq!(rename_while(&store, estate.tenant, suspend).await, "tenant_suspended");
    assert_eq!(name_of(&estate).await, "acme");
}

async fn a_revoked_key_loses_against_a_write_in_flight(store: SharedStore) {
    let estate = estate(&store).await;
    for rotated in [false, true] {
        let input = json!({"tenantId": estate.tenant, "name": "Sync", "scopes": ["tenant.read", "tenant.update"]});
        let made = estate.service.create_api_key(&system(), CreateApiKey::read(input).unwrap()).await.unwrap().value;
        let key = PresentedKey::read(&made.secret.unwrap().0).unwrap();
        let call = Call::by(RequestContext::fresh(), Principal::ApiKey(key));
        // The first use is stored, and would be the first commit.
        estate.service.read_tenant(&call, &estate.tenant.into()).await.unwrap();
        let (service, id) = (Arc::clone(&estate.service), made.id);
        let end: Meanwhile = Box::new(move || {
            Box::pin(async move {
                if rotated {
                    let at_once = RotateSecret::read(json!({"overlapSeconds": 0})).unwrap();
                    service.rotate_api_key(&system(), id, at_once).await.unwrap();
                } else {
                    service.delete_api_key(&system(), id).await.unwrap();
                }
            })
        });
        let input = UpdateTenant::read(json!({"name": "Renamed"})).unwrap();
        let refused = interleaved(&store, end).update_tenant(&call, &estate.tenant.into(), input).await.unwrap_err();
        assert_eq!(refused.code(), "api_key_unknown");
        assert_eq!(name_of(&estate).await, "acme");
    }
}

async fn of_two_owners_who_remove_each_other_one_stays(store: SharedStore) {
    let estate = estate(&store).await;
    let berta = members(&estate).await.into_iter().find(|user| *user != estate.anna).unwrap();
    let (service, tenant, anna) = (Arc::clone(&estate.service), estate.tenant, estate.anna);
    let other: Meanwhile = Box::new(move || {
        Box::pin(async move {
            let call = by(&token("berta", None, now()));
            service.revoke_membership(&call, &tenant.into(), anna).await.unwrap();
        })
    });
    let racing = interleaved(&store, other);
    let call = by(&token("anna", None, now()));
    let refused = racing.revoke_membership(&call, &estate.tenant.into(), berta).await.unwrap_err();
    assert_eq!(refused.code(), "not_found");
    assert_eq!(members(&estate).await, [berta]);
}

async fn a_claim_in_flight_does_not_undo_a_revocation(store: SharedStore) {
    let service = Arc::new(support::service(Arc::clone(&store), Arc::new(SystemClock)));
    let tenant = tenant(&service, "acme").await;
    let user = person(&service, "anna").await;
    // The sync has decided to create the membership; meanwhile a person creates and revokes it.
    let (inner, other) = (Arc::clone(&service), tenant);
    let meanwhile: Meanwhile = Box::new(move || {
        Box::pin(async move {
            grant(&inner, other, user, MembershipRole::Member).await;
            inner.revoke_membership(&system(), &other.into(), user).await.unwrap();
        })
    });
    let anna = token("anna", Some(&["acme"]), now());
    let profile = interleaved(&store, meanwhile).profile(&by(&anna)).await.unwrap();
    assert!(profile.tenants.is_empty());
    let later = token("anna", Some(&["acme"]), now().plus(std::time::Duration::from_secs(3_000)));
    assert!(service.profile(&by(&later)).await.unwrap().tenants.is_empty(), "no later claim brings it back");
    grant(&service, tenant, user, MembershipRole::Member).await;
    assert_eq!(service.profile(&by(&later)).await.unwrap().tenants.len(), 1, "an explicit grant does");
}

/// Of two first requests of a person in flight, one creates the user, who is then erased; the other saw neither.
async fn a_first_request_in_flight_does_not_bring_back_who_was_erased_meanwhile(store: SharedStore) {
    let service = Arc::new(support::service(Arc::clone(&store), Arc::new(SystemClock)));
    // The store already has its key for hashes of subjects.
    service.profile(&by(&token("berta", None, now()))).await.unwrap();
    let anna = token("anna", None, now());
    let (other, first) = (Arc::clone(&service), Arc::clone(&anna));
    let meanwhile: Meanwhile = Box::new(move || {
        Box::pin(async move {
            let user = other.profile(&by(&first)).await.unwrap().user.id;
            other.delete_user(&system(), user).await.unwrap();
        })
    });
    let refused = interleaved(&store, meanwhile).profile(&by(&anna)).await.unwrap_err();
    assert_eq!(refused.code(), "user_deleted");
    let later = token("anna", None, now().plus(std::time::Duration::from_secs(3_000)));
    assert_eq!(service.profile(&by(&later)).await.unwrap_err().code(), "user_deleted");
    let users = service.list_users(&system(), &Default::default(), &Default::default()).await.unwrap().items;
    assert_eq!(users.iter().filter(|user| user.authentik_subject_id.is_some()).count(), 1, "berta alone is left");
    // Only an operator admits the person again; then a first request finds that user.
    let anew = person(&service, "anna").await;
    assert_eq!(service.profile(&by(&later)).await.unwrap().user.id, anew);
}

async fn concurrent_first_requests_of_one_person_make_one_user(store: SharedStore) {
    let service = Arc::new(support::service(Arc::clone(&store), Arc::new(SystemClock)));
    tenant(&service, "acme").await;
    let anna = token("anna", Some(&["acme"]), now());
    let requests = (0..20).map(|_| {
        let (service, anna) = (Arc::clone(&service), Arc::clone(&anna));
        tokio::spawn(async move { service.profile(&by(&anna)).await.unwrap() })
    });
    let profiles = futures_util::future::join_all(requests).await;
    let first = profiles[0].as_ref().unwrap().user.id;
    for profile in profiles {
        let profile = profile.unwrap();
        assert_eq!(profile.user.id, first);
        assert_eq!(profile.tenants.len(), 1);
    }
}

#[tokio::test]
async fn in_no_order_of_calls_does_a_claim_undo_a_revocation_on_sqlite() {
    let fixture = support::sqlite();
    in_no_order_of_calls_does_a_claim_undo_a_revocation(Arc::clone(&fixture.store), 300).await;
}

#[tokio::test]
async fn in_no_order_of_calls_does_a_claim_undo_a_revocation_on_mongodb() {
    // Fewer, since the order of calls is that of the use cases and the test server is slow.
    in_no_order_of_calls_does_a_claim_undo_a_revocation(support::mongodb().await, 20).await;
}

support::on_every_store! {
    a_revoked_membership_wins_over_a_write_in_flight,
    a_disabled_user_loses_against_a_write_in_flight,
    a_suspended_tenant_wins_over_a_write_in_flight,
    a_revoked_key_loses_against_a_write_in_flight,
    of_two_owners_who_remove_each_other_one_stays,
    a_claim_in_flight_does_not_undo_a_revocation,
    a_first_use_in_flight_takes_no_grant_and_eases_no_revocation,
    a_store_that_takes_no_changes_lets_in_only_whoever_has_nothing_to_lose,
    a_first_use_decides_by_no_rights_from_before_what_another_took,
    first_uses_at_the_same_time_are_all_refused_and_one_takes,
    a_claim_in_flight_does_not_revive_what_a_person_takes_meanwhile,
    a_hundred_profiles_in_flight_do_not_bring_back_what_was_revoked,
    concurrent_first_requests_of_one_person_make_one_user,
    a_first_request_in_flight_does_not_bring_back_who_was_erased_meanwhile,
    of_a_claims_own_tombstone_only_a_later_claim_makes_a_membership,
}
