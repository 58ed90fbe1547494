//! Tests the main use end to end: a verified token gives the caller's profile, tenants and subscriptions.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use dezky::{
    Platform, PlatformOptions,
    development_issuer::DevelopmentIssuer,
    service::seed::SeedSettings,
    store::{SharedStore, sqlite::SqliteStore},
};
use http::Request;
use serde_json::Value;
use tower::ServiceExt as _;

#[tokio::test(flavor = "multi_thread")]
async fn a_token_becomes_a_profile_with_tenants_and_subscriptions() {
    let folder = tempfile::tempdir().unwrap();
    let store: SharedStore = Arc::new(
        SqliteStore::open(folder.path().join("dezky.sqlite"), Default::default(), dezky::COLLECTIONS).unwrap(),
    );
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let platform = Platform::open(PlatformOptions::new(store).issuers(vec![issuer.settings("default")])).unwrap();
    platform.service().seed(&SeedSettings::default()).await.unwrap();
    let api = platform.router();
    let token = issuer.mint(&issuer.claims("anna").groups(["dezky"]).person("anna@example.eu", "Anna"));
    let request = Request::get("/users/me").header("authorization", format!("Bearer {token}")).body(Body::empty());
    let response = api.oneshot(request.unwrap()).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    let profile: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200, "{profile:#}");
    assert_eq!(profile["user"]["email"], "anna@example.eu");
    assert_eq!(profile["tenants"][0]["slug"], "dezky");
    assert_eq!(profile["subscriptions"][0]["plan"], "internal");
}
