//! Tests of the validation of logout tokens (OpenID Connect Back-Channel Logout 1.0, sections 2.4 and 2.6).
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{sync::Arc, time::Duration};

use dezky::{
    authn::{
        LogoutRequest, Verifier, VerifierOptions,
        keys::{HttpKeySource, NoArchive},
        token::{Algorithm, KeyFamily},
    },
    clock::{Clock as _, Timestamp},
    context::RequestContext,
    test_kit::{Claims, DevelopmentIssuer, DevelopmentIssuerOptions, ManualClock},
};
use serde_json::{Value, json};

const NOW: i64 = 1_772_366_400;

struct Fixture {
    issuer: DevelopmentIssuer,
    clock: Arc<ManualClock>,
    verifier: Verifier,
}

async fn fixture() -> Fixture {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(NOW)));
    let options = DevelopmentIssuerOptions { family: KeyFamily::P256, clock: clock.clone(), ..Default::default() };
    let issuer = DevelopmentIssuer::start_with(options).await.unwrap();
    let verifier = Verifier::new(
        vec![issuer.settings("default")],
        Arc::new(HttpKeySource::new(None).unwrap()),
        Arc::new(NoArchive),
        clock.clone(),
        VerifierOptions::default(),
    )
    .unwrap();
    Fixture { issuer, clock, verifier }
}

impl Fixture {
    fn claims(&self) -> Claims {
        self.issuer.logout_claims("a token", Some("anna"), Some("a session"))
    }

    async fn read(&self, token: &str) -> Result<LogoutRequest, &'static str> {
        self.verifier.verify_logout(&RequestContext::new("test"), token).await.map_err(|error| error.code())
    }

    async fn outcome(&self, claims: &Claims) -> Result<LogoutRequest, &'static str> {
        self.read(&self.issuer.mint(claims)).await
    }
}

#[tokio::test]
async fn what_it_asks_for_is_read() {
    let fixture = fixture().await;
    let now = fixture.clock.now();
    let expected = LogoutRequest {
        issuer_id: "default".to_owned(),
        subject: Some("anna".to_owned()),
        session_id: Some("a session".to_owned()),
        issued_at: now,
        accepted_until: now.plus(Duration::from_secs(330)),
        token_id: "a token".to_owned(),
    };
    assert_eq!(fixture.outcome(&fixture.claims()).await.unwrap(), expected);
    let alone = fixture.outcome(&fixture.claims().without("sid")).await.unwrap();
    assert_eq!(alone, LogoutRequest { session_id: None, ..expected.clone() });
    let session = fixture.outcome(&fixture.claims().without("sub")).await.unwrap();
    assert_eq!(session, LogoutRequest { subject: None, ..expected.clone() });
    let endless = fixture.outcome(&fixture.claims().without("exp")).await.unwrap();
    let accepted_until = now.plus(Duration::from_secs(24 * 3_600 + 30));
    assert_eq!(endless, LogoutRequest { accepted_until, ..expected }, "older drafts and providers send no `exp`");
}

#[tokio::test]
async fn each_claim_is_held_to_the_specification() {
    let fixture = fixture().await;
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let claims = || fixture.claims();
    let cases: Vec<(&str, Claims, Option<&str>)> = vec![
        ("audience array", claims().with("aud", json!(["other", "dezky"])), None),
        ("another audience", claims().with("aud", "other"), Some("token_audience")),
        ("no audience", claims().without("aud"), Some("token_claim_missing")),
        ("another issuer", claims().with("iss", "https://other.example/"), Some("token_issuer")),
        ("no issuer", claims().without("iss"), Some("token_claim_missing")),
        ("no iat", claims().without("iat"), Some("token_claim_missing")),
        ("iat as text", claims().with("iat", "now"), Some("token_claim_invalid")),
        ("no jti", claims().without("jti"), Some("token_claim_missing")),
        ("empty jti", claims().with("jti", ""), Some("token_claim_invalid")),
        ("long jti", claims().with("jti", "x".repeat(256)), Some("token_claim_invalid")),
        ("neither sub nor sid", claims().without("sub").without("sid"), Some("token_claim_missing")),
        ("sid of another type", claims().with("sid", 5), Some("token_claim_invalid")),
        ("empty sub", claims().with("sub", ""), Some("token_claim_invalid")),
        ("nonce", claims().with("nonce", "n"), Some("token_is_not_logout_token")),
        ("nonce null, which is absence", claims().with("nonce", Value::Null), None),
        ("no events", claims().without("events"), Some("token_is_not_logout_token")),
        ("events empty", claims().with("events", json!({})), Some("token_is_not_logout_token")),
        ("events as text", claims().with("events", event), Some("token_is_not_logout_token")),
        ("events as array", claims().with("events", json!([event])), Some("token_is_not_logout_token")),
        ("event null", claims().with("events", json!({ event: null })), Some("token_is_not_logout_token")),
        ("event with members", claims().with("events", json!({ event: { "reason": "x" } })), None),
        ("other events beside", claims().with("events", json!({ event: {}, "urn:other": {} })), None),
        ("another event", claims().with("events", json!({ "urn:other": {} })), Some("token_is_not_logout_token")),
        ("expired, in leeway", claims().with("iat", NOW - 100).with("exp", NOW - 29), None),
        ("expired", claims().with("iat", NOW - 100).with("exp", NOW - 30), Some("token_expired")),
        ("from the future, in leeway", claims().with("iat", NOW + 30), None),
        ("from the future", claims().with("iat", NOW + 31), Some("token_issued_in_future")),
        ("nbf ahead", claims().with("nbf", NOW + 31), Some("token_not_yet_valid")),
        ("too long a life", claims().with("exp", NOW + 86_401), Some("token_lifetime")),
        ("no exp, issued a day ago", claims().without("exp").with("iat", NOW - 86_431), Some("token_expired")),
    ];
    for (name, claims, code) in cases {
        assert_eq!(fixture.outcome(&claims).await.err(), code, "{name}");
    }
}

#[tokio::test]
async fn header_and_signature_are_held_to_the_token_policy() {
    let fixture = fixture().await;
    let claims = fixture.claims();
    let with_type = |media_type: &str| {
        let mut header = fixture.issuer.header(Algorithm::Es256);
        header["typ"] = json!(media_type);
        fixture.issuer.mint_with(&header, &claims, Algorithm::Es256)
    };
    for accepted in ["logout+jwt", "LOGOUT+JWT", "application/logout+jwt", "JWT", "JOSE"] {
        assert!(fixture.read(&with_type(accepted)).await.is_ok(), "{accepted}");
    }
    for refused in ["at+jwt", "secevent+jwt", "id+jwt"] {
        assert_eq!(fixture.read(&with_type(refused)).await, Err("token_type"), "{refused}");
    }
    assert_eq!(fixture.read(&fixture.issuer.forge_unsigned(&claims)).await, Err("token_algorithm"));
    assert_eq!(fixture.read(&fixture.issuer.forge_symmetric(&claims)).await, Err("token_algorithm"));
    assert_eq!(fixture.read(&fixture.issuer.forge_signature(&claims)).await, Err("token_signature"));
    let token = fixture.issuer.mint(&claims);
    assert_eq!(fixture.read(&format!("{token}.AAAA.AAAA")).await, Err("token_encrypted"));
    assert_eq!(fixture.read(&"x".repeat(16 * 1024 + 1)).await, Err("token_too_large"));
    assert_eq!(fixture.read("").await, Err("token_missing"));
}

#[tokio::test]
async fn an_access_token_ends_no_session_and_a_logout_token_is_no_access_token() {
    let fixture = fixture().await;
    let access = fixture.issuer.mint(&fixture.issuer.claims("anna"));
    assert_eq!(fixture.read(&access).await, Err("token_is_not_logout_token"));
    let logout = fixture.issuer.mint(&fixture.claims());
    let refused = fixture.verifier.verify(&RequestContext::new("test"), &logout).await.unwrap_err();
    assert_eq!(refused.code(), "token_is_logout_token");
}
