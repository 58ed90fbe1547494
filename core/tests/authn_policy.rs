//! Tests of the token policy: what is accepted, and the code of each refusal.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "authn_policy/keys.rs"]
mod keys;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use dezky::authn::token::KeyFamily;
use dezky::{
    ErrorKind,
    authn::{
        GroupsClaim, IssuerSettings, Profile, VerifiedToken, Verifier, VerifierOptions,
        keys::{HttpKeySource, KeySet, NoArchive},
        token::Algorithm,
        verify_with,
    },
    clock::Clock,
    context::RequestContext,
    error::Error,
    test_kit::{Claims, DevelopmentIssuer, DevelopmentIssuerOptions, ManualClock},
};
use serde_json::{Value, json};

struct Fixture {
    issuer: DevelopmentIssuer,
    settings: IssuerSettings,
    clock: Arc<ManualClock>,
}

impl Fixture {
    async fn new() -> Self {
        Self::of(KeyFamily::P256).await
    }

    async fn of(family: KeyFamily) -> Self {
        let clock = Arc::new(ManualClock::at("2026-03-01T12:00:00Z".parse().unwrap()));
        let options = DevelopmentIssuerOptions { family, clock: clock.clone(), ..Default::default() };
        let issuer = DevelopmentIssuer::start_with(options).await.unwrap();
        let settings = issuer.settings("default");
        Self { issuer, settings, clock }
    }

    fn verify(&self, token: &str) -> Result<VerifiedToken, Error> {
        let keys = KeySet::from_json(self.issuer.jwks().to_string().as_bytes()).unwrap();
        verify_with(&self.settings, &keys, self.clock.now(), token)
    }

    fn claims(&self) -> Claims {
        self.issuer.claims("alice")
    }

    fn code(&self, token: &str) -> &'static str {
        let error = self.verify(token).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated);
        error.code()
    }

    fn claims_code(&self, claims: &Claims) -> &'static str {
        self.code(&self.issuer.mint(claims))
    }

    fn header_code(&self, name: &str, value: Value) -> &'static str {
        let mut header = self.issuer.header(Algorithm::Es256);
        header[name] = value;
        self.code(&self.issuer.mint_with(&header, &self.claims(), Algorithm::Es256))
    }

    fn now(&self) -> i64 {
        self.clock.now().seconds()
    }
}

#[tokio::test]
async fn tells_who_is_calling() {
    let fixture = Fixture::new().await;
    let claims = fixture.claims().person("alice@acme.eu", "Alice Acme").groups(["acme", "other"]).with("jti", "t1");
    let token = fixture.verify(&fixture.issuer.mint(&claims)).unwrap();
    assert_eq!(token.issuer_id, "default");
    assert_eq!(token.subject, "alice");
    assert_eq!(token.issued_at, fixture.clock.now());
    assert_eq!(token.expires_at, fixture.clock.now().plus(Duration::from_secs(300)));
    assert_eq!(token.email.as_deref(), Some("alice@acme.eu"));
    assert_eq!(token.name.as_deref(), Some("Alice Acme"));
    assert_eq!(token.groups, Some(vec!["acme".to_owned(), "other".to_owned()]));
    assert_eq!(token.session_id.as_deref(), Some("session-alice"));
    assert_eq!(token.token_id.as_deref(), Some("t1"));
    assert_eq!(token.tenant, None);
}

#[tokio::test]
async fn accepts_every_listed_algorithm() {
    let fixture = Fixture::new().await;
    for algorithm in Algorithm::ALL {
        let header = fixture.issuer.header(algorithm);
        let token = fixture.issuer.mint_with(&header, &fixture.claims(), algorithm);
        assert_eq!(fixture.verify(&token).map(|token| token.subject).unwrap(), "alice", "{algorithm}");
    }
}

#[tokio::test]
async fn refuses_what_is_no_compact_jws() {
    let fixture = Fixture::new().await;
    let good = fixture.issuer.mint(&fixture.claims());
    assert!(fixture.verify(&good).is_ok());
    let [header, payload, signature]: [&str; 3] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    assert_eq!(fixture.code(""), "token_missing");
    for (code, token) in [
        ("token_malformed", "x".to_owned()),
        ("token_json", "..".to_owned()),
        ("token_malformed", format!("{header}.{payload}")),
        ("token_malformed", format!("{header}.{payload}.{signature}.x")),
        ("token_encoding", format!("{header}.{payload}.{signature}=")),
        ("token_encoding", format!("{header}=.{payload}.{signature}")),
        ("token_encoding", format!(" {good}")),
        ("token_encoding", format!("{good}\n")),
        ("token_encoding", format!("{header}.{payload}.{}", signature.replace('-', "+").replace('_', "/") + "+")),
        ("token_encoding", format!("{header}.é.{signature}")),
        ("token_json", fixture.issuer.mint_raw("[]", b"{}", Algorithm::Es256)),
        ("token_json", fixture.issuer.mint_raw("{\"alg\":\"ES256\"} {}", b"{}", Algorithm::Es256)),
    ] {
        assert_eq!(fixture.code(&token), code, "{token}");
    }
    assert_eq!(fixture.code(&format!("{header}.a.b.c.d")), "token_encrypted");
    assert_eq!(fixture.code(&"x".repeat(16 * 1024 + 1)), "token_too_large");
}

#[tokio::test]
async fn refuses_a_second_spelling_of_the_same_signature() {
    let fixture = Fixture::new().await;
    let good = fixture.issuer.mint(&fixture.claims());
    // 64 bytes leave four unused bits in the last character: A, Q, g and w have none of them set.
    let (rest, last) = good.split_at(good.len() - 1);
    let other = match last {
        "A" => "B",
        "Q" => "R",
        "g" => "h",
        "w" => "x",
        _ => panic!("{last}"),
    };
    assert_eq!(fixture.code(&format!("{rest}{other}")), "token_encoding");
}

#[tokio::test]
async fn refuses_ambiguous_json() {
    let fixture = Fixture::new().await;
    let header = fixture.issuer.header(Algorithm::Es256).to_string();
    let claims = fixture.claims().json().to_string();
    let mint = |header: &str, claims: &str| fixture.issuer.mint_raw(header, claims.as_bytes(), Algorithm::Es256);
    assert!(fixture.verify(&mint(&header, &claims)).is_ok());
    let twice = |text: &str, member: &str| format!("{{{member},{}", &text[1..]);
    let deep = format!("\"deep\":{}{}", "[".repeat(50), "]".repeat(50));
    for (code, token) in [
        ("token_duplicate_member", mint(&twice(&header, r#""alg":"none""#), &claims)),
        ("token_duplicate_member", mint(&header, &twice(&claims, r#""sub":"root""#))),
        ("token_duplicate_member", mint(&header, &twice(&claims, r#""s\u0075b":"root""#))),
        ("token_duplicate_member", mint(&header, &twice(&claims, r#""a":{"b":1,"b":2}"#))),
        ("token_depth", mint(&header, &twice(&claims, &deep))),
        ("token_json", mint(&header, &twice(&claims, r#""a":"\ud800""#))),
        ("token_json", mint(&header, &twice(&claims, "\"a\":\"\u{7}\""))),
        ("token_json", mint(&header, &twice(&claims, r#""a":1e400"#))),
        ("token_json", mint(&header, "[]")),
        ("token_json", fixture.issuer.mint_raw(&header, b"{\"sub\":\"\xff\"}", Algorithm::Es256)),
    ] {
        assert_eq!(fixture.code(&token), code, "{token}");
    }
}

#[tokio::test]
async fn refuses_forgeries() {
    let fixture = Fixture::of(KeyFamily::Rsa).await;
    let claims = fixture.claims();
    assert_eq!(fixture.code(&fixture.issuer.forge_unsigned(&claims)), "token_algorithm");
    assert_eq!(fixture.code(&fixture.issuer.forge_symmetric(&claims)), "token_algorithm");
    assert_eq!(fixture.code(&fixture.issuer.forge_signature(&claims)), "token_signature");
    let good = fixture.issuer.mint(&claims);
    let (rest, _) = good.rsplit_once('.').unwrap();
    assert_eq!(fixture.code(&format!("{rest}.")), "token_signature");
    // The header states PS256, but the signature is RS256's.
    let header = fixture.issuer.header(Algorithm::Ps256);
    assert_eq!(fixture.code(&fixture.issuer.mint_with(&header, &claims, Algorithm::Rs256)), "token_signature");
}

#[tokio::test]
async fn refuses_headers_that_are_not_understood() {
    let fixture = Fixture::new().await;
    for algorithm in
        [json!("none"), json!("NONE"), json!("HS256"), json!("ES512"), json!("es256"), json!(7), json!(null)]
    {
        assert_eq!(fixture.header_code("alg", algorithm), "token_algorithm");
    }
    let missing = fixture.issuer.mint_with(&json!({ "kid": "x" }), &fixture.claims(), Algorithm::Es256);
    assert_eq!(fixture.code(&missing), "token_algorithm");
    assert_eq!(fixture.header_code("crit", json!(["exp"])), "token_header_critical");
    assert_eq!(fixture.header_code("crit", json!([])), "token_header_critical");
    assert_eq!(fixture.header_code("b64", json!(false)), "token_header_critical");
    let jwk = fixture.issuer.jwks()["keys"][0].clone();
    assert_eq!(fixture.header_code("jwk", jwk), "token_header_key");
    assert_eq!(fixture.header_code("jku", json!(fixture.issuer.jwks_url())), "token_header_key");
    assert_eq!(fixture.header_code("x5u", json!("https://evil.example/")), "token_header_key");
    assert_eq!(fixture.header_code("x5c", json!([])), "token_header_key");
    assert_eq!(fixture.header_code("kid", json!(1)), "token_header");
    assert_eq!(fixture.header_code("typ", json!(["JWT"])), "token_header");
    assert_eq!(fixture.header_code("kid", json!("unknown")), "token_key_unknown");
    assert_eq!(fixture.header_code("typ", json!("logout+jwt")), "token_is_logout_token");
    assert_eq!(fixture.header_code("typ", json!("application/logout+JWT")), "token_is_logout_token");
    assert_eq!(fixture.header_code("typ", json!("dpop+jwt")), "token_type");
}

#[tokio::test]
async fn accepts_the_usual_types() {
    let fixture = Fixture::new().await;
    for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        let mut header = fixture.issuer.header(Algorithm::Es256);
        header["typ"] = json!(typ);
        let token = fixture.issuer.mint_with(&header, &fixture.claims(), Algorithm::Es256);
        assert!(fixture.verify(&token).is_ok(), "{typ}");
    }
}

#[tokio::test]
async fn requires_the_claims_of_an_access_token() {
    let fixture = Fixture::new().await;
    for name in ["iss", "aud", "sub", "exp", "iat", "uid", "azp"] {
        assert_eq!(fixture.claims_code(&fixture.claims().without(name)), "token_claim_missing", "{name}");
        for value in [json!(null), json!({}), json!(true), json!([7])] {
            let code = fixture.claims_code(&fixture.claims().with(name, value));
            assert_eq!(code, "token_claim_invalid", "{name}");
        }
    }
    let long = "x".repeat(256);
    for subject in ["", "a\u{0}b", "a\nb", &long] {
        assert_eq!(fixture.claims_code(&fixture.claims().with("sub", subject)), "token_claim_invalid");
    }
    assert_eq!(fixture.claims_code(&fixture.claims().with("iss", "https://evil.example/")), "token_issuer");
    let without_slash = fixture.issuer.url().trim_end_matches('/').to_owned();
    assert_eq!(fixture.claims_code(&fixture.claims().with("iss", without_slash)), "token_issuer");
    for claim in ["at_hash", "c_hash"] {
        assert_eq!(fixture.claims_code(&fixture.claims().with(claim, "x")), "token_is_id_token");
    }
    assert_eq!(fixture.claims_code(&fixture.claims().with("events", json!({}))), "token_is_logout_token");
}

#[tokio::test]
async fn compares_audiences_exactly() {
    let mut fixture = Fixture::new().await;
    fixture.settings.audiences.push("second".to_owned());
    for audience in [json!("dezky"), json!(["other", "dezky"]), json!("second")] {
        assert!(fixture.verify(&fixture.issuer.mint(&fixture.claims().with("aud", audience))).is_ok());
    }
    for audience in [json!("dezky2"), json!("Dezky"), json!(""), json!([]), json!(["other"])] {
        assert_eq!(fixture.claims_code(&fixture.claims().with("aud", audience)), "token_audience");
    }
    for audience in [json!(["dezky", 7]), json!({ "dezky": true })] {
        assert_eq!(fixture.claims_code(&fixture.claims().with("aud", audience)), "token_claim_invalid");
    }
}

#[tokio::test]
async fn checks_times_with_a_leeway_of_30_seconds() {
    let fixture = Fixture::new().await;
    let now = fixture.now();
    let code = |iat: Value, exp: Value, nbf: Value| {
        let claims = fixture.claims().with("iat", iat).with("exp", exp).with("nbf", nbf);
        fixture.verify(&fixture.issuer.mint(&claims)).map_or_else(|error| error.code(), |_| "ok")
    };
    let past = json!(now - 100);
    assert_eq!(code(past.clone(), json!(now - 29), json!(now)), "ok");
    assert_eq!(code(past.clone(), json!(now - 30), json!(now)), "token_expired");
    assert_eq!(code(past.clone(), json!(now as f64 - 29.5), json!(now)), "ok");
    assert_eq!(code(json!(now + 30), json!(now + 60), json!(now)), "ok");
    assert_eq!(code(json!(now + 31), json!(now + 60), json!(now)), "token_issued_in_future");
    assert_eq!(code(json!(now as f64 + 30.5), json!(now + 60), json!(now)), "token_issued_in_future");
    assert_eq!(code(past.clone(), json!(now + 60), json!(now + 30)), "ok");
    assert_eq!(code(past.clone(), json!(now + 60), json!(now + 31)), "token_not_yet_valid");
    assert_eq!(code(past.clone(), json!(now + 60), json!("soon")), "token_claim_invalid");
    assert_eq!(code(past.clone(), json!("1e9"), json!(now)), "token_claim_invalid");
    assert_eq!(code(json!(now), json!(now + 24 * 3600), json!(now)), "ok");
    assert_eq!(code(json!(now), json!(now + 24 * 3600 + 1), json!(now)), "token_lifetime");
    assert_eq!(code(json!(now + 5), json!(now + 5), json!(now)), "token_lifetime");
    assert_eq!(code(json!(now), json!(1e300), json!(now)), "token_lifetime");
    assert_eq!(code(json!(now), json!(u64::MAX), json!(now)), "token_lifetime");
    assert_eq!(code(json!(-1), json!(now + 60), json!(now)), "token_lifetime");
    assert_eq!(code(json!(-1e300), json!(now + 60), json!(now)), "token_lifetime");
    assert_eq!(code(json!(-20), json!(-10), json!(now)), "token_expired");
    assert_eq!(code(json!(1e300), json!(1e301), json!(now)), "token_lifetime");
    assert_eq!(code(json!(now as f64 + 0.25), json!(now + 60), json!(-1e300)), "ok");
}

#[tokio::test]
async fn profiles_differ_in_what_they_require() {
    let mut fixture = Fixture::new().await;
    let bare = fixture.claims().without("uid").without("azp");
    let plain = fixture.issuer.mint(&bare);
    let mut header = fixture.issuer.header(Algorithm::Es256);
    header["typ"] = json!("at+jwt");
    let typed = fixture.issuer.mint_with(&header, &bare, Algorithm::Es256);
    assert_eq!(fixture.code(&typed), "token_claim_missing");
    fixture.settings.profile = Profile::Rfc9068;
    assert_eq!(fixture.code(&plain), "token_type");
    assert!(fixture.verify(&typed).is_ok());
    fixture.settings.profile = Profile::Any;
    assert!(fixture.verify(&plain).is_ok());
    assert!(fixture.verify(&typed).is_ok());
    let with_nonce = fixture.issuer.mint(&bare.with("nonce", "n"));
    assert!(fixture.verify(&with_nonce).is_ok(), "access tokens may carry it");
    fixture.settings.profile = Profile::Authentik;
    assert_eq!(fixture.code(&with_nonce), "token_is_id_token");
}

#[tokio::test]
async fn reads_groups_only_where_they_are_an_array_of_strings_or_one_string() {
    let mut fixture = Fixture::new().await;
    let groups = |fixture: &Fixture, value: Value| {
        fixture.verify(&fixture.issuer.mint(&fixture.claims().with("groups", value))).unwrap().groups
    };
    assert_eq!(groups(&fixture, json!([])), Some(Vec::new()));
    assert_eq!(groups(&fixture, json!("acme, other")), Some(vec!["acme, other".to_owned()]));
    for value in [json!(""), json!(7), json!(["acme", 7]), json!({ "acme": true }), json!(null)] {
        assert_eq!(groups(&fixture, value), None);
    }
    let missing = fixture.issuer.mint(&fixture.claims().without("groups"));
    assert_eq!(fixture.verify(&missing).unwrap().groups, None);
    fixture.settings.groups = Some(GroupsClaim::Ignore);
    fixture.settings.tenant = Some("acme".to_owned());
    assert_eq!(groups(&fixture, json!(["acme"])), None);
    assert_eq!(fixture.verify(&missing).unwrap().tenant.as_deref(), Some("acme"));
}

/// Collects the warnings about groups claims by issuer.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl tracing::field::Visit for Warnings {
    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        if field.name() == "issuer" {
            self.0.lock().unwrap().push(value.to_owned());
        }
    }
    fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
}

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN && metadata.target() == "dezky::authn::verifier"
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_claim_of_groups_that_cannot_be_read_is_told_once_for_each_issuer() {
    let (one, two) = (Fixture::new().await, Fixture::new().await);
    let mut second = two.issuer.settings("second");
    second.groups = Some(GroupsClaim::Sync);
    second.claims.groups = "/realm_access/roles".to_owned();
    let source = Arc::new(HttpKeySource::new(None).unwrap());
    let issuers = vec![one.settings.clone(), second];
    let verifier = Verifier::new(issuers, source, Arc::new(NoArchive), one.clock.clone(), VerifierOptions::default());
    let (verifier, warnings) = (verifier.unwrap(), Warnings::default());
    let _told = tracing::subscriber::set_default(warnings.clone());
    for (fixture, value) in [(&one, json!(["acme"])), (&one, json!({})), (&one, json!(7)), (&two, json!(["acme"]))] {
        let claims = fixture.claims().with("groups", value);
        verifier.verify(&RequestContext::new("test"), &fixture.issuer.mint(&claims)).await.unwrap();
    }
    assert_eq!(*warnings.0.lock().unwrap(), ["default"], "what is absent is no mistake");
    for value in [json!({"roles": [1]}), json!("acme"), json!({"roles": [1]})] {
        let claims = two.claims().with("realm_access", value);
        verifier.verify(&RequestContext::new("test"), &two.issuer.mint(&claims)).await.unwrap();
    }
    assert_eq!(*warnings.0.lock().unwrap(), ["default", "second"]);
}

#[tokio::test]
async fn personal_claims_never_lock_anybody_out() {
    let fixture = Fixture::new().await;
    let claims = fixture.claims().with("email", 7).with("name", "  ").with("preferred_username", " alice ");
    let token = fixture.verify(&fixture.issuer.mint(&claims)).unwrap();
    assert_eq!((token.email, token.name.as_deref()), (None, Some("alice")));
    let claims = fixture.claims().with("email", "a\u{0}@b.eu").without("name");
    let token = fixture.verify(&fixture.issuer.mint(&claims)).unwrap();
    assert_eq!((token.email, token.name), (None, None));
}

#[tokio::test]
async fn debug_output_holds_no_personal_claims() {
    let fixture = Fixture::new().await;
    let claims = fixture.claims().person("alice@acme.eu", "Alice Acme");
    let shown = format!("{:?}", fixture.verify(&fixture.issuer.mint(&claims)).unwrap());
    assert!(!shown.contains("acme") && !shown.contains("Alice"), "{shown}");
}
