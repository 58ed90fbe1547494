//! Tests that callers of the platform have exactly their own rights.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use dezky::{
    ErrorKind, Platform, PlatformOptions,
    development_issuer::DevelopmentIssuer,
    domain::{CreateTenant, CreateUser, GrantMembership, MembershipRole, UpdateTenant},
    service::{ListRequest, members::MemberFilter, tenants::TenantFilter, users::UserFilter},
    test_kit::cases::{NativeStage, Stage as _},
};
use serde_json::json;

async fn platform(stage: &NativeStage, issuer: &DevelopmentIssuer) -> Platform {
    let store = stage.store().await.unwrap();
    Platform::open(PlatformOptions::new(store).issuers(vec![issuer.settings("default")])).unwrap()
}

fn named(name: &str) -> UpdateTenant {
    UpdateTenant::read(json!({"name": name})).unwrap()
}

#[tokio::test]
async fn a_user_acts_with_the_rights_that_the_store_has_at_each_call() {
    let (stage, issuer) = (NativeStage::on_sqlite().unwrap(), DevelopmentIssuer::start().await.unwrap());
    let platform = platform(&stage, &issuer).await;
    let operator = platform.as_system("operator").unwrap();
    let acme = operator.tenants().create(CreateTenant::build("acme", "ACME").finish().unwrap()).await.unwrap();
    let beta = operator.tenants().create(CreateTenant::build("beta", "Beta").finish().unwrap()).await.unwrap();
    let anna = platform.as_user(&issuer.mint(&issuer.claims("anna"))).await.unwrap();
    let user_id = anna.me().await.unwrap().user.id;
    let grant = GrantMembership { user_id, role: MembershipRole::Owner };
    operator.members().grant(&acme.id.into(), grant).await.unwrap();

    assert_eq!(anna.tenants().update(&acme.id.into(), named("Acme")).await.unwrap().name, "Acme");
    assert_eq!(anna.tenants().get(&beta.id.into()).await.unwrap_err().kind(), ErrorKind::NotFound);
    let own = anna.my_tenants().list(&TenantFilter::default(), &ListRequest::default()).await.unwrap();
    assert_eq!(own.items.iter().map(|tenant| &*tenant.slug).collect::<Vec<_>>(), ["acme"]);
    operator.members().revoke(&acme.id.into(), user_id).await.unwrap();
    let members = anna.members().list(&acme.id.into(), &MemberFilter::default(), &ListRequest::default()).await;
    assert_eq!(members.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn whoever_expects_a_version_changes_no_other() {
    let (stage, issuer) = (NativeStage::on_sqlite().unwrap(), DevelopmentIssuer::start().await.unwrap());
    let platform = platform(&stage, &issuer).await;
    let (first, second) = (platform.as_system("first").unwrap(), platform.as_system("second").unwrap());
    let seen = first.tenants().create(CreateTenant::build("acme", "ACME").finish().unwrap()).await.unwrap();
    second.tenants().update(&seen.id.into(), named("Second")).await.unwrap();
    let late = first.expecting(&seen).unwrap().tenants().update(&seen.id.into(), named("First")).await;
    assert_eq!(late.unwrap_err().code(), "version_changed");
    let now = first.tenants().get(&seen.id.into()).await.unwrap();
    let done = first.expecting(&now).unwrap().tenants().update(&seen.id.into(), named("First")).await;
    assert_eq!(done.unwrap().name, "First");
}

#[tokio::test]
async fn a_creation_with_an_idempotency_key_takes_effect_once() {
    let (stage, issuer) = (NativeStage::on_sqlite().unwrap(), DevelopmentIssuer::start().await.unwrap());
    let platform = platform(&stage, &issuer).await;
    let (first, other) = (platform.as_system("first").unwrap(), platform.as_system("other").unwrap());
    let once = first.with_idempotency_key("order-7").unwrap();
    let acme = |name| CreateTenant::build("acme", name).finish().unwrap();
    let created = once.tenants().create(acme("ACME")).await.unwrap();
    assert_eq!(once.tenants().create(acme("ACME")).await.unwrap(), created);
    assert_eq!(once.tenants().create(acme("Acme")).await.unwrap_err().code(), "idempotency_key_reused");
    // The key is that of a caller, and of a use case.
    let others = other.with_idempotency_key("order-7").unwrap();
    assert_eq!(others.tenants().create(acme("ACME")).await.unwrap_err().kind(), ErrorKind::Conflict);
    let anna = json!({"issuerId": "default", "authentikSubjectId": "anna"});
    let anna = once.users().create(CreateUser::read(anna).unwrap()).await.unwrap();
    assert_eq!(once.users().list(&UserFilter::default(), &ListRequest::default()).await.unwrap().items, [anna]);
    let tenants = first.tenants().list(&TenantFilter::default(), &ListRequest::default()).await.unwrap();
    assert_eq!(tenants.items, [created]);
    for key in ["", "a\nb", "schlüssel", &"x".repeat(256)] {
        assert_eq!(first.with_idempotency_key(key).unwrap_err().code(), "invalid_idempotency_key", "{key}");
    }
}

#[tokio::test]
async fn nobody_acts_by_a_token_that_is_refused_or_a_name_that_is_taken() {
    let (stage, issuer) = (NativeStage::on_sqlite().unwrap(), DevelopmentIssuer::start().await.unwrap());
    let platform = platform(&stage, &issuer).await;
    let stranger = DevelopmentIssuer::start().await.unwrap();
    for token in ["", "x", &stranger.mint(&stranger.claims("anna"))] {
        assert_eq!(platform.as_user(token).await.unwrap_err().kind(), ErrorKind::Unauthenticated, "{token}");
    }
    for name in ["", "a b", "outbox", "Claims-Sync"] {
        assert_eq!(platform.as_system(name).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
}
