//! Tests that the rights reported for a person match the answers of their own calls.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::sync::Arc;

use dezky::{
    ErrorKind,
    clock::SystemClock,
    domain::{Choice as _, MembershipRole, UpdateUser},
    service::{Service, access::TenantReference, rights::RightsView},
};
use serde_json::json;
use support::{by, grant, now, person, service, sqlite, system, tenant, token};

fn outcome<'a>(rights: &'a RightsView, action: &str) -> (&'a str, &'a str) {
    let right = rights.rights.iter().find(|right| right.action == action).expect(action);
    (right.outcome, right.reason)
}

async fn rights(service: &Service, user: dezky::domain::UserId, slug: Option<&str>) -> RightsView {
    let reference = slug.map(TenantReference::from);
    service.rights(&system(), user, reference.as_ref(), |_| None).await.unwrap()
}

#[tokio::test]
async fn each_role_is_told_what_its_calls_meet() {
    let store = sqlite();
    let service = service(Arc::clone(&store.store), Arc::new(SystemClock));
    let acme = tenant(&service, "acme").await;
    let mut told = Vec::new();
    for role in [MembershipRole::Member, MembershipRole::Admin, MembershipRole::Owner] {
        let user = person(&service, role.name()).await;
        grant(&service, acme, user, role).await;
        told.push((user, role, rights(&service, user, Some("acme")).await));
    }
    let stranger = person(&service, "stranger").await;
    let strange = rights(&service, stranger, Some("acme")).await;
    for (user, role, rights) in &told {
        assert_eq!((rights.user_id, rights.tenant_id, rights.role), (*user, Some(acme), Some(*role)));
        assert_eq!(outcome(rights, "tenant.read"), ("allow", "granted"));
        assert_eq!(outcome(rights, "tenant.delete"), ("refuse", "platform_admin_required"));
        let call = by(&token(role.name(), None, now()));
        assert!(service.read_tenant(&call, &acme.into()).await.is_ok());
        let deleted = service.delete_tenant(&call, &acme.into()).await;
        assert_eq!(deleted.unwrap_err().code(), "platform_admin_required");
    }
    assert_eq!(outcome(&told[0].2, "tenant.update"), ("refuse", "role_insufficient"));
    assert_eq!(outcome(&told[1].2, "tenant.update"), ("allow", "granted"));
    let update = |at: usize| {
        let (_, _, rights): &(_, _, RightsView) = &told[at];
        rights.rights.iter().find(|right| right.action == "tenant.update").unwrap().forbidden_fields.clone()
    };
    assert!(update(1).contains(&"billingInfo") && update(1).contains(&"plan"));
    assert!(!update(2).contains(&"billingInfo") && update(2).contains(&"plan"));
    assert_eq!(outcome(&strange, "tenant.read"), ("hide", "not_found"));
    let hidden = service.read_tenant(&by(&token("stranger", None, now())), &acme.into()).await;
    assert_eq!(hidden.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn what_is_taken_away_is_gone_from_what_is_told() {
    let store = sqlite();
    let service = service(Arc::clone(&store.store), Arc::new(SystemClock));
    let acme = tenant(&service, "acme").await;
    let anna = person(&service, "anna").await;
    grant(&service, acme, anna, MembershipRole::Admin).await;
    service.suspend_tenant(&system(), &acme.into()).await.unwrap();
    let suspended = rights(&service, anna, Some("acme")).await;
    assert_eq!(outcome(&suspended, "tenant.update"), ("refuse", "tenant_suspended"));
    assert_eq!(outcome(&suspended, "membership.revoke"), ("allow", "granted"));
    service.revoke_membership(&system(), &acme.into(), anna).await.unwrap();
    let revoked = rights(&service, anna, Some("acme")).await;
    assert_eq!((revoked.role, outcome(&revoked, "tenant.read")), (None, ("hide", "not_found")));
    let disabled = UpdateUser::read(json!({"status": "disabled"})).unwrap();
    service.update_user(&system(), anna, disabled).await.unwrap();
    let disabled = rights(&service, anna, None).await;
    assert!(disabled.rights.iter().all(|right| right.reason == "user_disabled"), "{disabled:?}");
}

#[tokio::test]
async fn the_platform_alone_is_told() {
    let store = sqlite();
    let service = service(Arc::clone(&store.store), Arc::new(SystemClock));
    let anna = person(&service, "anna").await;
    let asked = service.rights(&by(&token("anna", None, now())), anna, None, |_| None).await;
    assert_eq!(asked.unwrap_err().code(), "system_actor_required");
    let absent = service.rights(&system(), anna, Some(&TenantReference::from("nowhere")), |_| None).await;
    assert_eq!(absent.unwrap_err().kind(), ErrorKind::NotFound);
    let admin = UpdateUser::read(json!({"platformAdmin": true})).unwrap();
    service.update_user(&system(), anna, admin).await.unwrap();
    let acme = tenant(&service, "acme").await;
    assert_eq!(outcome(&rights(&service, anna, Some("acme")).await, "tenant.delete"), ("allow", "granted"));
    // The token of a tenant's own issuer is only valid for that tenant.
    let bound = service.rights(&system(), anna, Some(&acme.into()), |_| Some("acme".to_owned())).await.unwrap();
    assert_eq!(outcome(&bound, "tenant.delete"), ("hide", "not_found"));
}
