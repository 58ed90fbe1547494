//! Answers that no Stalwart should give, and how much is asked of it at once.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{Router, body::Body, extract::Request, response::Response as Answer};
use bytes::Bytes;
use dezky::{
    connectors::{Mail as _, MailDomain, stalwart::Stalwart},
    context::RequestContext,
    emulators::{Emulated, Emulator, EmulatorOptions, Exchange},
};
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::world::{client, secret};

/// A system that finds one domain, and answers anything else with a script.
#[derive(Debug)]
struct Scripted(Mutex<Vec<(u16, Value)>>);

impl Emulated for Scripted {
    fn answer(&self, exchange: &Exchange) -> Response<Bytes> {
        let answer = |status: u16, body: String| Response::builder().status(status).body(Bytes::from(body)).unwrap();
        if exchange.method == Method::GET {
            let session =
                json!({ "primaryAccounts": { "urn:stalwart:jmap": "a" }, "apiUrl": "https://elsewhere.example/" });
            return match exchange.uri.path() {
                "/jmap/session" => answer(200, session.to_string()),
                _ => answer(404, String::new()),
            };
        }
        let request: Value = serde_json::from_slice(&exchange.body).unwrap();
        if request["methodCalls"][0][1]["limit"] == json!(1) {
            return answer(200, json!({ "methodResponses": [["x:Domain/query", { "ids": [] }, "0"]] }).to_string());
        }
        let mut script = self.0.lock().unwrap();
        let (status, body) = if script.len() > 1 { script.remove(0) } else { script[0].clone() };
        answer(status, body.as_str().map_or_else(|| body.to_string(), str::to_owned))
    }
}

async fn scripted(script: Vec<(u16, Value)>) -> (Emulator<Scripted>, Stalwart) {
    let emulator = Emulator::start(Scripted(Mutex::new(script)), EmulatorOptions::default()).await.unwrap();
    let mail = client(&emulator.url(), secret());
    (emulator, mail)
}

fn page(ids: &[&str], total: u64, list: &[Value]) -> (u16, Value) {
    let query = json!(["x:Domain/query", { "ids": ids, "total": total }, "0"]);
    (200, json!({ "methodResponses": [query, ["x:Domain/get", { "list": list }, "1"]] }))
}

#[tokio::test]
async fn answers_of_another_form_are_told_apart() {
    let problem =
        |kind: &str| json!({ "type": format!("urn:ietf:params:jmap:error:{kind}"), "status": 400, "detail": "why" });
    let error = |kind: &str| json!({ "methodResponses": [["error", { "type": kind, "description": "why" }, "0"]] });
    for (status, body, reason) in [
        (200, json!("<html>"), "Incompatible"),
        (200, json!({}), "Incompatible"),
        (200, json!({ "methodResponses": [] }), "Incompatible"),
        (200, json!({ "methodResponses": [["x:Other/query", {}, "0"]] }), "Incompatible"),
        (200, json!({ "methodResponses": [["x:Domain/query", { "ids": 1 }, "0"]] }), "Incompatible"),
        (200, error("unknownMethod"), "Incompatible"),
        (200, error("unsupportedFilter"), "Incompatible"),
        (200, error("forbidden"), "Unauthorized"),
        (200, error("serverFail"), "Unavailable"),
        (200, error("serverUnavailable"), "Unavailable"),
        (200, error("requestTooLarge"), "Rejected"),
        (400, problem("notRequest"), "Incompatible"),
        (400, problem("limit"), "Unavailable"),
        (403, json!("no"), "Unauthorized"),
        (404, json!(""), "Incompatible"),
        (429, json!("slow down"), "Unavailable"),
        (500, json!("oh"), "Unavailable"),
        (502, json!("oh"), "Unavailable"),
    ] {
        let (_emulator, mail) = scripted(vec![(status, body.clone())]).await;
        let error = mail.domain(&RequestContext::fresh(), "acme.eu").await.unwrap_err();
        assert_eq!(error.reason(), reason, "{status} {body}: {error}");
    }
}

#[tokio::test]
async fn lists_are_bounded() {
    let (emulator, mail) = scripted(vec![page(&["b"], 10_001, &[])]).await;
    let error = mail.domain(&RequestContext::fresh(), "acme.eu").await.unwrap_err();
    assert_eq!(error.reason(), "Rejected");
    assert!(error.to_string().contains("10001 entries, and 10,000 are read at most"), "{error}");
    assert!(emulator.requests() < 10);
}

#[tokio::test]
async fn a_list_that_never_ends_is_given_up() {
    let object = json!({ "id": "b", "name": "other.eu", "isEnabled": true });
    let (emulator, mail) = scripted(vec![page(&[], 5, &[])]).await;
    assert!(mail.domain(&RequestContext::fresh(), "acme.eu").await.unwrap_err().may_retry());
    assert!(emulator.requests() < 10, "{}", emulator.requests());
    let changing: Vec<_> = (2..1_000).map(|total| page(&["b"], total, std::slice::from_ref(&object))).collect();
    let (emulator, mail) = scripted(changing).await;
    assert!(mail.domain(&RequestContext::fresh(), "acme.eu").await.unwrap_err().may_retry());
    assert!(emulator.requests() < 10, "{}", emulator.requests());
}

#[tokio::test]
async fn a_list_that_changed_is_read_again_from_its_beginning() {
    let domain = |id: &str, name: &str| json!({ "id": id, "name": name, "isEnabled": true });
    let (_emulator, mail) = scripted(vec![
        page(&["b"], 2, &[domain("b", "b.eu")]),
        page(&["d"], 3, &[domain("d", "d.eu")]),
        page(&["b", "acme"], 2, &[domain("b", "b.eu"), domain("acme", "acme.eu")]),
    ])
    .await;
    let found = mail.domain(&RequestContext::fresh(), "acme.eu").await.unwrap();
    assert_eq!(found, Some(MailDomain { id: "acme".into(), name: "acme.eu".into(), enabled: true }));
}

#[tokio::test]
async fn a_search_that_lies_finds_nothing_of_another() {
    let other = json!({ "id": "b", "name": "other.eu", "isEnabled": true });
    let (_emulator, mail) = scripted(vec![page(&["b"], 1, &[other])]).await;
    assert_eq!(mail.domain(&RequestContext::fresh(), "acme.eu").await.unwrap(), None);
}

#[tokio::test]
async fn a_text_about_a_password_is_not_repeated() {
    let refused =
        json!({ "m": { "type": "invalidProperties", "description": "`hunter2` is weak", "properties": ["secret"] } });
    let answer = json!({ "methodResponses": [["x:Account/set", { "notCreated": refused }, "0"]] });
    let (_emulator, mail) = scripted(vec![(200, answer)]).await;
    let domain = MailDomain { id: "c".into(), name: "acme.eu".into(), enabled: true };
    let wanted = crate::world::new_mailbox(&domain, "anna");
    let error = mail.create_mailbox(&RequestContext::fresh(), &wanted).await.unwrap_err();
    assert_eq!(error.reason(), "Rejected");
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn no_more_is_asked_at_once_than_stalwart_allows() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = most.clone();
    let handler = move |request: Request| {
        let (now, most) = (now.clone(), seen.clone());
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..50 {
                tokio::task::yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
            let body = match request.uri().path() {
                "/jmap/session" => json!({ "primaryAccounts": { "urn:stalwart:jmap": "a" } }),
                _ => page(&[], 0, &[]).1,
            };
            Answer::builder().status(StatusCode::OK).body(Body::from(body.to_string())).unwrap()
        }
    };
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().fallback(handler)).await });
    let (mail, context) = (client(&url, secret()), RequestContext::fresh());
    let looks = (0..40).map(|_| mail.domain(&context, "acme.eu"));
    for outcome in futures_util::future::join_all(looks).await {
        outcome.unwrap();
    }
    server.abort();
    assert_eq!(most.load(Ordering::SeqCst), 4);
}
