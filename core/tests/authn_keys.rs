//! Tests of issuers' keys: rotation, unknown keys, outages, lying providers, and remembered tokens.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "authn_keys/providers.rs"]
mod providers;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use dezky::{
    Error, ErrorKind,
    authn::{
        IssuerSettings, Verifier, VerifierOptions,
        keys::{ArchivedKeySet, HttpKeySource, KeySetArchive},
        token::{Algorithm, KeyFamily},
    },
    clock::Clock,
    context::RequestContext,
    test_kit::{Behaviour, DevelopmentIssuer, DevelopmentIssuerOptions, ManualClock},
};
use serde_json::json;
use tokio::sync::watch;

const HOUR: Duration = Duration::from_secs(3_600);
const COOLDOWN: Duration = Duration::from_secs(30);

/// An archive that outlives verifiers, and counts saves.
#[derive(Debug)]
struct MemoryArchive {
    sets: Mutex<HashMap<String, ArchivedKeySet>>,
    saves: watch::Sender<usize>,
}

impl MemoryArchive {
    fn new() -> Arc<Self> {
        Arc::new(Self { sets: Mutex::default(), saves: watch::Sender::new(0) })
    }

    async fn wait_for_saves(&self, count: usize) {
        self.saves.subscribe().wait_for(|saves| *saves >= count).await.unwrap();
    }
}

#[async_trait]
impl KeySetArchive for MemoryArchive {
    async fn load(&self, issuer_id: &str) -> Result<Option<ArchivedKeySet>, Error> {
        Ok(self.sets.lock().unwrap().get(issuer_id).cloned())
    }

    async fn save(&self, issuer_id: &str, set: &ArchivedKeySet) -> Result<(), Error> {
        self.sets.lock().unwrap().insert(issuer_id.to_owned(), set.clone());
        self.saves.send_modify(|saves| *saves += 1);
        Ok(())
    }
}

struct Fixture {
    issuer: DevelopmentIssuer,
    clock: Arc<ManualClock>,
    archive: Arc<MemoryArchive>,
    verifier: Verifier,
}

impl Fixture {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at_now());
        let options = DevelopmentIssuerOptions { family: KeyFamily::P256, clock: clock.clone(), ..Default::default() };
        let issuer = DevelopmentIssuer::start_with(options).await.unwrap();
        let archive = MemoryArchive::new();
        let verifier = verifier(vec![issuer.settings("default")], &archive, &clock);
        Self { issuer, clock, archive, verifier }
    }

    /// Restarts the process: only the archive remains.
    fn restart(&mut self) {
        self.verifier = verifier(vec![self.issuer.settings("default")], &self.archive, &self.clock);
    }

    fn token(&self) -> String {
        self.issuer.mint(&self.issuer.claims("alice").lasting(self.clock.now(), Duration::from_secs(20 * 3_600)))
    }

    fn unknown(&self, key_id: &str) -> String {
        let header = json!({ "alg": "ES256", "kid": key_id });
        self.issuer.mint_with(&header, &self.issuer.claims("alice"), Algorithm::Es256)
    }

    async fn verify(&self, token: &str) -> Result<String, Error> {
        let context = RequestContext::new("test");
        self.verifier.verify(&context, token).await.map(|token| token.subject.clone())
    }

    async fn code(&self, token: &str) -> &'static str {
        self.verify(token).await.map_or_else(|error| error.code(), |_| "ok")
    }
}

fn verifier(issuers: Vec<IssuerSettings>, archive: &Arc<MemoryArchive>, clock: &Arc<ManualClock>) -> Verifier {
    let source = Arc::new(HttpKeySource::new(None).unwrap().with_timeout(Duration::from_secs(60)));
    Verifier::new(issuers, source, archive.clone(), clock.clone(), VerifierOptions::default()).unwrap()
}

#[tokio::test]
async fn fifty_concurrent_first_requests_cause_one_fetch() {
    let fixture = Arc::new(Fixture::new().await);
    fixture.issuer.hold(true);
    let requests: Vec<_> = (0..50)
        .map(|number| {
            let fixture = fixture.clone();
            tokio::spawn(async move {
                let claims = fixture.issuer.claims(&format!("person-{number}"));
                fixture.verify(&fixture.issuer.mint(&claims)).await
            })
        })
        .collect();
    fixture.issuer.wait_for_fetches(1).await;
    fixture.issuer.hold(false);
    for (number, request) in requests.into_iter().enumerate() {
        assert_eq!(request.await.unwrap().unwrap(), format!("person-{number}"));
    }
    assert_eq!(fixture.issuer.jwks_fetches(), 1);
}

#[tokio::test]
async fn a_caller_who_leaves_does_not_end_the_fetch_of_others() {
    let fixture = Arc::new(Fixture::new().await);
    fixture.issuer.hold(true);
    let token = fixture.token();
    let leaving = tokio::spawn({
        let (fixture, token) = (fixture.clone(), token.clone());
        async move { fixture.verify(&token).await }
    });
    fixture.issuer.wait_for_fetches(1).await;
    leaving.abort();
    assert!(leaving.await.unwrap_err().is_cancelled());
    let staying = tokio::spawn({
        let (fixture, token) = (fixture.clone(), token.clone());
        async move { fixture.verify(&token).await }
    });
    fixture.issuer.hold(false);
    assert_eq!(staying.await.unwrap().unwrap(), "alice");
    assert_eq!(fixture.issuer.jwks_fetches(), 1);
}

#[tokio::test]
async fn a_request_waits_no_longer_than_its_deadline() {
    let fixture = Fixture::new().await;
    fixture.issuer.hold(true);
    let context = RequestContext::new("test").with_timeout(Duration::from_millis(20));
    let error = fixture.verifier.verify(&context, &fixture.token()).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "issuer_unavailable"));
    assert!(error.retry_after().is_some());
}

#[tokio::test]
async fn a_rotated_key_is_picked_up_by_the_first_request_that_carries_it() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
    fixture.issuer.rotate().unwrap();
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
    assert_eq!(fixture.issuer.jwks_fetches(), 2);
}

#[tokio::test]
async fn made_up_key_ids_cause_one_fetch_in_thirty_seconds() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
    for round in 1..=3 {
        for number in 0..300 {
            let error = fixture.verify(&fixture.unknown(&format!("made-up-{number}"))).await.unwrap_err();
            assert_eq!(error.code(), "token_key_unknown");
            assert_eq!(error.retry_after(), Some(COOLDOWN));
        }
        assert_eq!(fixture.issuer.jwks_fetches(), 1 + round);
        fixture.clock.advance(COOLDOWN);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_made_up_key_ids_at_once_cause_one_fetch_in_thirty_seconds() {
    let fixture = Arc::new(Fixture::new().await);
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
    for round in 1..=2 {
        let requests: Vec<_> = (0..1_000)
            .map(|number| {
                let fixture = fixture.clone();
                tokio::spawn(async move { fixture.code(&fixture.unknown(&format!("made-up-{number}"))).await })
            })
            .collect();
        for request in requests {
            assert_eq!(request.await.unwrap(), "token_key_unknown");
        }
        assert_eq!(fixture.issuer.jwks_fetches(), 1 + round);
        fixture.clock.advance(COOLDOWN - Duration::from_secs(1));
        assert_eq!(fixture.code(&fixture.unknown("one more")).await, "token_key_unknown");
        assert_eq!(fixture.issuer.jwks_fetches(), 1 + round);
        fixture.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(fixture.code(&fixture.token()).await, "ok", "known keys are served all the while");
}

#[tokio::test]
async fn a_slow_provider_holds_up_nobody_for_longer_than_its_time_limit() {
    let fixture = Fixture::new().await;
    let source = Arc::new(HttpKeySource::new(None).unwrap().with_timeout(Duration::from_millis(50)));
    let (settings, options) = (vec![fixture.issuer.settings("default")], VerifierOptions::default());
    let verifier = Verifier::new(settings, source, fixture.archive.clone(), fixture.clock.clone(), options).unwrap();
    let context = RequestContext::new("test");
    let token = fixture.token();
    assert!(verifier.verify(&context, &token).await.is_ok());
    fixture.issuer.hold(true);
    fixture.clock.advance(HOUR);
    assert!(verifier.verify(&context, &token).await.is_ok(), "the last set serves");
    assert!(verifier.verify_now(&token).unwrap().is_ok(), "and the next caller does not wait at all");
    assert!(verifier.verify_now(&fixture.token()).unwrap().is_ok(), "nor with a token that is not remembered");
}

#[tokio::test]
async fn made_up_key_ids_cause_one_fetch_on_an_empty_cache_too() {
    let fixture = Arc::new(Fixture::new().await);
    let requests: Vec<_> = (0..50)
        .map(|number| {
            let fixture = fixture.clone();
            tokio::spawn(async move { fixture.code(&fixture.unknown(&format!("made-up-{number}"))).await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), "token_key_unknown");
    }
    assert_eq!(fixture.issuer.jwks_fetches(), 1);
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
}

#[tokio::test]
async fn a_key_that_comes_within_the_cooldown_is_fetched_at_its_end() {
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let clock = Arc::new(ManualClock::at_now());
    let mut options = VerifierOptions::default();
    options.cooldown = Duration::from_millis(50);
    let source = Arc::new(HttpKeySource::new(None).unwrap());
    let settings = vec![issuer.settings("default")];
    let verifier = Verifier::new(settings, source, MemoryArchive::new(), clock.clone(), options).unwrap();
    let context = RequestContext::new("test");
    assert!(verifier.verify(&context, &issuer.mint(&issuer.claims("alice"))).await.is_ok());
    let unknown = issuer.mint_with(&json!({ "alg": "RS256", "kid": "x" }), &issuer.claims("a"), Algorithm::Rs256);
    assert_eq!(verifier.verify(&context, &unknown).await.unwrap_err().code(), "token_key_unknown");
    issuer.rotate().unwrap();
    let rotated = issuer.mint(&issuer.claims("alice"));
    // The clock stands still, so that only the scheduled fetch can bring the new key.
    assert_eq!(verifier.verify(&context, &rotated).await.unwrap_err().code(), "token_key_unknown");
    issuer.wait_for_fetches(3).await;
    verifier.refresh().await;
    assert!(verifier.verify(&context, &rotated).await.is_ok());
}

#[tokio::test]
async fn a_removed_key_stops_at_the_next_refresh_for_remembered_tokens_too() {
    let fixture = Fixture::new().await;
    let token = fixture.token();
    assert_eq!(fixture.code(&token).await, "ok");
    fixture.issuer.rotate().unwrap();
    fixture.issuer.retire_old_keys();
    fixture.clock.advance(HOUR - Duration::from_secs(1));
    assert_eq!(fixture.code(&token).await, "ok", "the set is not due yet");
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.code(&token).await, "token_key_unknown");
    assert_eq!(fixture.issuer.jwks_fetches(), 2);
    assert_eq!(fixture.code(&fixture.token()).await, "ok");
}

#[tokio::test]
async fn a_key_that_changes_its_use_stops_for_remembered_tokens_too() {
    let fixture = Fixture::new().await;
    let token = fixture.token();
    let mut key = fixture.issuer.jwks()["keys"][0].clone();
    assert_eq!(fixture.code(&token).await, "ok");
    key["use"] = json!("enc");
    let _ = fixture.issuer.key_id(Algorithm::EdDsa);
    let other = fixture.issuer.jwks()["keys"][1].clone();
    fixture.issuer.behave(Behaviour::Keys(vec![key, other]));
    fixture.clock.advance(HOUR);
    assert_eq!(fixture.code(&token).await, "token_key_purpose");
}

#[tokio::test]
async fn remembered_tokens_expire() {
    let fixture = Fixture::new().await;
    let token = fixture.issuer.mint(&fixture.issuer.claims("alice"));
    assert_eq!(fixture.code(&token).await, "ok");
    fixture.clock.advance(Duration::from_secs(329));
    assert_eq!(fixture.code(&token).await, "ok");
    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.code(&token).await, "token_expired");
    fixture.clock.rewind(Duration::from_secs(361));
    assert_eq!(fixture.code(&token).await, "token_issued_in_future");
}

#[tokio::test]
async fn a_remembered_token_that_lives_seven_days_serves_and_expires_by_its_own_times() {
    let fixture = Fixture::new().await;
    let mut settings = fixture.issuer.settings("default");
    settings.max_token_life = "7d".parse().unwrap();
    let verifier = verifier(vec![settings], &fixture.archive, &fixture.clock);
    let code = async |token: &str| {
        verifier.verify(&RequestContext::new("test"), token).await.map_or_else(|error| error.code(), |_| "ok")
    };
    let lasting = |seconds| {
        let life = Duration::from_secs(seconds);
        fixture.issuer.mint(&fixture.issuer.claims("alice").lasting(fixture.clock.now(), life))
    };
    let token = lasting(604_800);
    assert_eq!(code(&token).await, "ok");
    fixture.clock.advance(HOUR * 24 * 7);
    assert_eq!(code(&token).await, "ok", "in the leeway");
    fixture.clock.advance(COOLDOWN);
    assert_eq!(code(&token).await, "token_expired");
    assert_eq!(code(&lasting(604_801)).await, "token_lifetime");
    assert_eq!(fixture.code(&lasting(604_800)).await, "token_lifetime", "where nothing is set");
}

#[tokio::test]
async fn remembering_needs_the_whole_token_to_be_the_same() {
    let fixture = Fixture::new().await;
    let token = fixture.token();
    assert_eq!(fixture.code(&token).await, "ok");
    let forged = fixture.issuer.forge_signature(&fixture.issuer.claims("alice"));
    let (input, _) = token.rsplit_once('.').unwrap();
    let (_, signature) = forged.rsplit_once('.').unwrap();
    assert_eq!(fixture.code(&format!("{input}.{signature}")).await, "token_signature");
    assert_eq!(fixture.code(&token).await, "ok");
}
