//! Tests of providers that lie, fail or recover, and of several issuers.

use std::{sync::Arc, time::Duration};

use dezky::{
    ErrorKind,
    authn::{
        JwksSource, Verifier, VerifierOptions,
        keys::HttpKeySource,
        token::{Algorithm, KeyFamily},
    },
    context::RequestContext,
    test_kit::{Behaviour, DevelopmentIssuer, DevelopmentIssuerOptions, ManualClock},
};
use serde_json::json;

use super::{COOLDOWN, Fixture, HOUR, MemoryArchive, verifier};

#[tokio::test]
async fn lying_providers_change_nothing_for_known_keys() {
    let fixture = Fixture::new().await;
    let token = fixture.token();
    assert_eq!(fixture.code(&token).await, "ok");
    for behaviour in [
        Behaviour::Outage,
        Behaviour::Status(500),
        Behaviour::Status(404),
        Behaviour::Status(204),
        Behaviour::Html,
        Behaviour::NoKeys,
        Behaviour::EmptySet,
        Behaviour::GarbageKeys,
        Behaviour::Oversized,
        Behaviour::Truncated,
        Behaviour::Body("[]".to_owned()),
        Behaviour::Body("{\"keys\": {}}".to_owned()),
        Behaviour::Redirect("http://127.0.0.1:9/jwks/".to_owned()),
    ] {
        fixture.issuer.behave(behaviour.clone());
        fixture.clock.advance(HOUR);
        assert_eq!(fixture.code(&token).await, "ok", "{behaviour:?}");
        let status = fixture.verifier.refresh().await.remove(0);
        assert!(status.ready() && status.stale && status.last_error.is_some(), "{behaviour:?} {status:?}");
        fixture.issuer.behave(Behaviour::Normal);
        let status = fixture.verifier.refresh().await.remove(0);
        assert!(!status.stale && status.last_error.is_none(), "{status:?}");
        fixture.clock.rewind(HOUR);
        fixture.verifier.refresh().await;
    }
}

#[tokio::test]
async fn a_provider_without_a_signing_key_is_told_apart() {
    let fixture = Fixture::new().await;
    fixture.issuer.behave(Behaviour::NoKeys);
    let status = fixture.verifier.refresh().await.remove(0);
    assert!(!status.ready());
    assert!(status.last_error.unwrap().contains("choose a signing key"));
}

#[tokio::test]
async fn keys_that_came_and_cannot_be_used_are_told_to_the_operator_and_no_outage() {
    let fixture = Fixture::new().await;
    let weak = json!({ "kty": "RSA", "kid": "small", "n": "AQAB", "e": "AQAB" });
    let symmetric = json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0" });
    let html = "<title>maintenance at 10.1.2.3</title>".to_owned();
    for (behaviour, published, skipped) in [
        (Behaviour::Keys(vec![weak.clone(), symmetric]), Some(2), 2),
        (Behaviour::Keys(vec![weak; 600]), Some(600), 21),
        (Behaviour::EmptySet, Some(0), 0),
        (Behaviour::NoKeys, Some(0), 0),
        (Behaviour::Body(html), None, 0),
    ] {
        let verifier = verifier(vec![fixture.issuer.settings("default")], &MemoryArchive::new(), &fixture.clock);
        fixture.issuer.behave(behaviour.clone());
        let error = verifier.verify(&RequestContext::new("test"), &fixture.token()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "issuer_unavailable"));
        assert!(!error.message().contains("does not answer"), "{behaviour:?}: {error}");
        let leaks = ["small", "secret", "2048", "symmetric", "maintenance", "10.1.2.3", "127.0.0.1"];
        assert!(!leaks.iter().any(|text| error.message().contains(text)), "{behaviour:?}: {error}");
        let status = verifier.key_status().remove(0);
        assert_eq!((status.published_keys, status.skipped_keys.len()), (published, skipped), "{behaviour:?}");
        let told = status.last_error.unwrap();
        assert!(skipped == 0 || (told.contains("came") && told.contains("key `small`: an RSA key of")), "{told}");
    }
    fixture.issuer.outage(true);
    let error = fixture.verify(&fixture.token()).await.unwrap_err();
    assert!(error.message().contains("does not answer"), "{error}");
}

#[tokio::test]
async fn keys_that_are_left_out_are_told_while_others_serve() {
    let fixture = Fixture::new().await;
    let mut keys = fixture.issuer.jwks()["keys"].as_array().unwrap().clone();
    keys.push(json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0" }));
    fixture.issuer.behave(Behaviour::Keys(keys.clone()));
    let status = fixture.verifier.refresh().await.remove(0);
    assert_eq!((status.keys, status.published_keys, status.skipped_keys.len()), (1, Some(2), 1));
    fixture.issuer.outage(true);
    let status = fixture.verifier.refresh().await.remove(0);
    assert_eq!((status.keys, status.published_keys, status.skipped_keys.len()), (1, Some(2), 1), "of the last answer");
    let mut settings = fixture.issuer.settings("default");
    settings.jwks = JwksSource::Inline(json!({ "keys": keys }).to_string());
    let fixed = verifier(vec![settings], &fixture.archive, &fixture.clock).key_status().remove(0);
    assert_eq!((fixed.keys, fixed.published_keys, fixed.skipped_keys.len()), (1, Some(2), 1), "in the settings, too");
}

#[tokio::test]
async fn an_outage_is_bridged_for_24_hours_across_restarts() {
    let mut fixture = Fixture::new().await;
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
    fixture.archive.wait_for_saves(1).await;
    fixture.issuer.outage(true);
    fixture.restart();
    fixture.clock.advance(24 * HOUR);
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
    assert!(fixture.verifier.key_status()[0].stale);
    fixture.clock.advance(Duration::from_secs(1));
    let error = fixture.verify(&fixture.token()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "issuer_unavailable"));
    assert!(error.retry_after().is_some());
    assert!(!fixture.verifier.key_status()[0].ready());
    fixture.issuer.outage(false);
    fixture.clock.advance(COOLDOWN);
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
}

#[tokio::test]
async fn kept_keys_do_not_serve_another_address() {
    let mut fixture = Fixture::new().await;
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
    fixture.archive.wait_for_saves(1).await;
    fixture.issuer.outage(true);
    let mut settings = fixture.issuer.settings("default");
    settings.jwks = JwksSource::Uri(fixture.issuer.jwks_url().to_owned());
    fixture.verifier = verifier(vec![settings], &fixture.archive, &fixture.clock);
    assert_eq!(fixture.code(&fixture.token()).await, "issuer_unavailable");
}

#[tokio::test]
async fn without_any_key_the_issuer_is_asked_again_soon() {
    let fixture = Fixture::new().await;
    fixture.issuer.outage(true);
    let error = fixture.verify(&fixture.token()).await.unwrap_err();
    assert_eq!(error.code(), "issuer_unavailable");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    fixture.issuer.outage(false);
    assert_eq!(fixture.code(&fixture.token()).await, "issuer_unavailable", "not before that second has passed");
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
}

#[tokio::test]
async fn keys_are_fetched_ahead_and_again_when_the_provider_comes_back() {
    let fixture = Fixture::new().await;
    fixture.issuer.outage(true);
    fixture.verifier.start();
    fixture.verifier.refresh().await;
    assert!(!fixture.verifier.key_status()[0].ready());
    fixture.issuer.outage(false);
    fixture.issuer.wait_for_fetches(1).await;
    fixture.verifier.refresh().await;
    assert!(fixture.verifier.verify_now(&fixture.token()).unwrap().is_ok(), "no request had to wait");
    fixture.verifier.stop();
}

#[tokio::test]
async fn each_issuer_answers_for_its_own_tokens_only() {
    let clock = Arc::new(ManualClock::at_now());
    let options = || DevelopmentIssuerOptions { family: KeyFamily::P256, ..Default::default() };
    let first = DevelopmentIssuer::start_with(options()).await.unwrap();
    let second = DevelopmentIssuer::start_with(DevelopmentIssuerOptions { audience: "acme".to_owned(), ..options() })
        .await
        .unwrap();
    let mut bound = second.settings("acme");
    bound.tenant = Some("acme".to_owned());
    let verifier = verifier(vec![first.settings("default"), bound], &MemoryArchive::new(), &clock);
    let context = RequestContext::new("test");
    let token = verifier.verify(&context, &first.mint(&first.claims("alice"))).await.unwrap();
    assert_eq!((token.issuer_id.as_str(), token.tenant.as_deref()), ("default", None));
    let token = verifier.verify(&context, &second.mint(&second.claims("alice"))).await.unwrap();
    assert_eq!((token.issuer_id.as_str(), token.tenant.as_deref()), ("acme", Some("acme")));
    // One issuer's audience and key are not valid for the other.
    let code = async |token: String| verifier.verify(&context, &token).await.unwrap_err().code();
    assert_eq!(code(second.mint(&second.claims("alice").with("aud", "dezky"))).await, "token_audience");
    assert_eq!(code(second.mint(&first.claims("alice"))).await, "token_key_unknown");
    let header = first.header(Algorithm::Es256);
    assert_eq!(code(second.mint_with(&header, &first.claims("alice"), Algorithm::Es256)).await, "token_signature");
}

#[tokio::test]
async fn keys_in_the_settings_need_no_provider() {
    let mut fixture = Fixture::new().await;
    let mut settings = fixture.issuer.settings("default");
    settings.jwks = JwksSource::Inline(fixture.issuer.jwks().to_string());
    fixture.verifier = verifier(vec![settings.clone()], &fixture.archive, &fixture.clock);
    fixture.clock.advance(48 * HOUR);
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
    assert_eq!(fixture.verify(&fixture.unknown("x")).await.unwrap_err().retry_after(), None);
    assert_eq!(fixture.issuer.jwks_fetches(), 0);
    settings.jwks = JwksSource::Inline("{}".to_owned());
    let source = Arc::new(HttpKeySource::new(None).unwrap());
    let options = VerifierOptions::default();
    let error = Verifier::new(vec![settings], source, MemoryArchive::new(), fixture.clock.clone(), options);
    assert!(error.unwrap_err().message().starts_with("`jwks` of issuer `default`"));
}
