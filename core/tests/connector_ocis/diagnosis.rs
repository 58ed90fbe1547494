//! Diagnosis, credentials, and secrets.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use dezky::{
    clock::{Clock as _, SystemClock},
    connectors::{ConnectorError, ConnectorSettings, Files as _, Secret, ocis::OcisFiles},
    emulators::{Emulated as _, Emulator, EmulatorOptions, Exchange, ocis::OcisSystem},
};
use http::{HeaderMap, Method, header};
use serde_json::Value;

use crate::stage::{OcisFixture, PASSWORD, client, context, failure, secret};

#[tokio::test]
async fn a_right_system_is_reported() {
    let stage = OcisFixture::new().await;
    stage.system().set_product("Infinite Scale", "7.1.2");
    let report = stage.files.check(&context()).await.unwrap();
    assert_eq!(report.version.as_deref(), Some("ownCloud Infinite Scale 7.1.2"));
    assert!(report.missing_rights.is_empty());
    assert!(stage.system().spaces().is_empty());
}

#[tokio::test]
async fn missing_rights_are_reported() {
    let stage = OcisFixture::new().await;
    stage.lower_rights();
    let report = stage.files.check(&context()).await.unwrap();
    assert!(report.missing_rights[0].contains("Space Admin"), "{report:?}");
    let why = failure(stage.files.create_space(&context(), &stage.new_space()).await, "Unauthorized");
    assert!(why.contains("Space Admin"), "{why}");
}

#[tokio::test]
async fn a_system_that_is_another_or_of_another_version_is_told() {
    let stage = OcisFixture::new().await;
    for (product, version) in [
        ("Infinite Scale", "6.6.1"),
        ("Infinite Scale", "8.0.0"),
        ("Infinite Scale", "70.0.0"),
        ("Infinite Scale", ""),
        ("OpenCloud", "7.0.0"),
    ] {
        stage.system().set_product(product, version);
        let error = stage.files.check(&context()).await.unwrap_err();
        let ConnectorError::Incompatible { version: told, why } = &error else { panic!("{error:?}") };
        assert_eq!(told.as_deref(), Some(version));
        assert!(why.contains("this client is for"), "{why}");
    }
    stage.system().set_product("Infinite Scale", "7.0.0+dev");
    stage.files.check(&context()).await.unwrap();
}

#[tokio::test]
async fn a_missing_editor_role_is_told() {
    let stage = OcisFixture::new().await;
    stage.system().hide_role("58c63c02-1d89-4572-916a-870abc5a1b7d");
    let why = failure(stage.files.check(&context()).await, "Incompatible");
    assert!(why.contains("GRAPH_AVAILABLE_ROLES"), "{why}");
}

#[tokio::test]
async fn a_storage_that_is_down_is_told() {
    let stage = OcisFixture::new().await;
    stage.system().stop_storage(u64::MAX);
    failure(stage.files.check(&context()).await, "Unavailable");
}

#[tokio::test]
async fn wrong_and_disabled_credentials_are_refused() {
    let stage = OcisFixture::new().await;
    let space = stage.space().await;
    for secret in [
        Secret::Basic { user: "admin".to_owned(), password: "wrong-password".to_owned() },
        Secret::Basic { user: "nobody".to_owned(), password: PASSWORD.to_owned() },
        Secret::Bearer("wrong-token".to_owned()),
    ] {
        let files = client(&stage.emulator.url(), secret);
        failure(files.check(&context()).await, "Unauthorized");
        failure(files.space(&context(), &space.id).await, "Unauthorized");
        failure(files.spaces_of(&context(), stage.tenant).await, "Unauthorized");
        failure(files.purge_space(&context(), &space.id).await, "Unauthorized");
    }
    stage.system().set_enabled("admin", false);
    failure(stage.files.space(&context(), &space.id).await, "Unauthorized");
    stage.system().set_enabled("admin", true);
    stage.files.space(&context(), &space.id).await.unwrap();
}

#[tokio::test]
async fn a_bearer_token_is_a_credential() {
    let secret = Secret::Bearer("token-of-the-service".to_owned());
    let emulator = Emulator::start(OcisSystem::new(&secret), EmulatorOptions::default()).await.unwrap();
    client(&emulator.url(), secret).check(&context()).await.unwrap();
}

/// Makes an app token as an operator does, and returns it.
fn app_token(system: &OcisSystem, expiry: &str) -> String {
    let mut headers = HeaderMap::new();
    let credential = format!("Basic {}", STANDARD.encode(format!("admin:{PASSWORD}")));
    headers.insert(header::AUTHORIZATION, credential.parse().unwrap());
    let now = SystemClock.now();
    let exchange = Exchange {
        method: Method::POST,
        uri: format!("/auth-app/tokens?expiry={expiry}").parse().unwrap(),
        headers,
        body: bytes::Bytes::new(),
        now,
        listed_until: now,
    };
    let answer = system.answer(&exchange);
    assert_eq!(answer.status(), 200);
    let answer: Value = serde_json::from_slice(answer.body()).unwrap();
    answer["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_app_token_is_a_password_and_a_dead_one_is_explained() {
    let stage = OcisFixture::new().await;
    let with = |expiry: &str| {
        let password = app_token(stage.system(), expiry);
        client(&stage.emulator.url(), Secret::Basic { user: "admin".to_owned(), password })
    };
    with("72h").check(&context()).await.unwrap();
    for dead in ["0s", "-1h"] {
        let why = failure(with(dead).check(&context()).await, "Unauthorized");
        assert!(why.contains("`0s` is dead"), "{why}");
    }
}

#[tokio::test]
async fn no_debug_shows_the_credential() {
    let stage = OcisFixture::new().await;
    let settings = ConnectorSettings::new(stage.emulator.url().parse().unwrap(), secret());
    let shown = format!("{:?} {:?} {:?} {settings:?}", stage.files, stage.emulator, stage.system());
    let encoded = STANDARD.encode(format!("admin:{PASSWORD}"));
    assert!(!shown.contains(PASSWORD) && !shown.contains(&encoded), "{shown}");
}

#[test]
fn credentials_and_urls_that_cannot_be_used_are_refused() {
    let url = |text: &str| text.parse().unwrap();
    let new = |url, secret| OcisFiles::new(&ConnectorSettings::new(url, secret));
    assert!(new(url("http://192.0.2.1"), secret()).is_err(), "plain HTTP to another machine");
    assert!(new(url("https://files.example.eu/?a=b"), secret()).is_err());
    assert!(new(url("https://files.example.eu"), Secret::Bearer("a\nb".to_owned())).is_err());
    assert!(new(url("https://files.example.eu"), secret()).is_ok());
}
