//! Tests that ended sessions stay ended: across processes, restarts and concurrent requests.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{sync::Arc, time::Duration};

use dezky::{
    authn::{LogoutRequest, VerifiedToken},
    clock::{SystemClock, Timestamp},
    context::RequestContext,
    domain::session::ENDED_SESSIONS,
    service::Service,
    store::{Query, SharedStore, sqlite::SqliteStore},
};
use futures_util::future::join_all;
use support::{by, now, person, token};

fn logout(token_id: &str, subject: Option<&str>, session_id: Option<&str>, issued_at: Timestamp) -> LogoutRequest {
    LogoutRequest {
        issuer_id: "default".to_owned(),
        subject: subject.map(str::to_owned),
        session_id: session_id.map(str::to_owned),
        issued_at,
        accepted_until: issued_at.plus(Duration::from_secs(330)),
        token_id: token_id.to_owned(),
    }
}

fn service(store: &SharedStore) -> Arc<Service> {
    Arc::new(support::service(Arc::clone(store), Arc::new(SystemClock)))
}

async fn end(service: &Service, logout: &LogoutRequest) -> Result<(), &'static str> {
    service.end_sessions(&RequestContext::new("test"), logout).await.map_err(|error| error.code())
}

async fn answer(service: &Service, token: &Arc<VerifiedToken>) -> Result<(), &'static str> {
    service.profile(&by(token)).await.map(drop).map_err(|error| error.code())
}

async fn of_many_uses_of_one_logout_token_one_counts(store: SharedStore) {
    // Two processes on one store, from the store's point of view.
    let services = [service(&store), service(&store)];
    let at = now();
    let uses = (0..20).map(|number| {
        let service = Arc::clone(&services[number % 2]);
        tokio::spawn(async move { end(&service, &logout("once", Some("anna"), None, at)).await })
    });
    let outcomes: Vec<_> = join_all(uses).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Ok(()) | Err("logout_token_replayed"))), "{outcomes:?}");
}

async fn logouts_of_one_subject_at_the_same_time_all_count_and_the_latest_stands(store: SharedStore) {
    let service = service(&store);
    person(&service, "anna").await;
    let start = now();
    let at = move |second: u64| start.plus(Duration::from_secs(second));
    let logouts = (0..8).map(|second| {
        let service = Arc::clone(&service);
        let token_id = format!("token {second}");
        tokio::spawn(async move { end(&service, &logout(&token_id, Some("anna"), None, at(second))).await })
    });
    for outcome in join_all(logouts).await {
        assert_eq!(outcome.unwrap(), Ok(()));
    }
    assert_eq!(answer(&service, &token("anna", None, at(7))).await, Err("session_ended"));
    assert_eq!(answer(&service, &token("anna", None, at(8))).await, Ok(()));
}

async fn a_logout_refuses_the_next_request_of_every_process(store: SharedStore) {
    let (here, there) = (service(&store), service(&store));
    person(&here, "anna").await;
    let anna = Arc::new(VerifiedToken {
        session_id: Some("a session".to_owned()),
        ..token("anna", Some(&[]), now()).as_ref().clone()
    });
    let other = Arc::new(VerifiedToken { session_id: Some("another".to_owned()), ..anna.as_ref().clone() });
    let without = Arc::new(VerifiedToken { session_id: None, ..anna.as_ref().clone() });
    assert_eq!(answer(&there, &anna).await, Ok(()));
    end(&here, &logout("one", None, Some("a session"), now())).await.unwrap();
    for service in [&here, &there] {
        assert_eq!(answer(service, &anna).await, Err("session_ended"));
        assert_eq!(answer(service, &other).await, Ok(()));
        assert_eq!(answer(service, &without).await, Ok(()), "a token that names no session is of none");
    }
}

async fn what_is_kept_names_nobody(store: SharedStore) {
    let service = service(&store);
    end(&service, &logout("a token", Some("anna"), None, now())).await.unwrap();
    end(&service, &logout("another token", Some("anna"), Some("a session"), now())).await.unwrap();
    let records = store.find(&RequestContext::new("test"), &Query::new(&ENDED_SESSIONS)).await.unwrap();
    assert_eq!(records.len(), 4);
    for record in records {
        assert!(!["anna", "a session", "token"].iter().any(|name| record.json.contains(&format!("\"{name}\""))));
    }
}

support::on_every_store! {
    of_many_uses_of_one_logout_token_one_counts,
    logouts_of_one_subject_at_the_same_time_all_count_and_the_latest_stands,
    a_logout_refuses_the_next_request_of_every_process,
    what_is_kept_names_nobody,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let open = || -> SharedStore {
        let path = folder.path().join("dezky.sqlite");
        Arc::new(SqliteStore::open(path, Default::default(), dezky::COLLECTIONS).unwrap())
    };
    let (ended, issued) = (now(), now());
    let before = service(&open());
    person(&before, "anna").await;
    end(&before, &logout("one", Some("anna"), None, ended)).await.unwrap();
    drop(before);
    let after = service(&open());
    assert_eq!(answer(&after, &token("anna", None, issued.minus(Duration::from_secs(1)))).await, Err("session_ended"));
    assert_eq!(end(&after, &logout("one", Some("anna"), None, ended)).await, Err("logout_token_replayed"));
}
