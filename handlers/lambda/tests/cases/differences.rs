//! Requests at the limits of what HTTP allows: every front gives the router's own answer.

use std::sync::{Arc, atomic::AtomicU64};

use bytes::Bytes;
use dezky::test_kit::{
    DevelopmentIssuer, ManualClock,
    cases::{NativeStage, Setup, Stage as _},
};
use http::{Request, Response};

use crate::{Edges, LambdaStage, support::event::Front};

/// Method, target, additional headers, body.
type Asked = (&'static str, &'static str, &'static [(&'static str, &'static str)], &'static [u8]);

const JSON: (&str, &str) = ("content-type", "application/json");

const ASKED: &[Asked] = &[
    ("GET", "/users/me", &[], b""),
    ("HEAD", "/users/me", &[], b""),
    ("OPTIONS", "/users/me", &[], b""),
    ("PUT", "/users/me", &[JSON], b"{}"),
    ("GET", "/", &[], b""),
    ("GET", "//users//me", &[], b""),
    ("GET", "/tenants/../users/me", &[], b""),
    ("GET", "/tenants/acme%2Fmembers", &[], b""),
    ("GET", "/tenants?limit=1&limit=2", &[], b""),
    ("GET", "/tenants?search=a%26b%3Dc+d", &[], b""),
    ("GET", "/tenants?search=%C3%A9&limit=3", &[], b""),
    ("GET", "/tenants?unknown", &[], b""),
    ("GET", "/tenants?cursor=%ff", &[], b""),
    ("POST", "/tenants", &[JSON], br#"{"slug":"acme","name":"Acm\u00e9"}"#),
    ("POST", "/tenants", &[JSON], "{\"slug\":\"umlaut\",\"name\":\"Ä ö ü\"}".as_bytes()),
    ("POST", "/tenants", &[JSON], b"\xff\xfe\x00{"),
    ("POST", "/tenants", &[JSON], b""),
    ("POST", "/tenants", &[("content-type", "text/plain")], b"{}"),
    ("GET", "/tenants/acme", &[("if-none-match", "\"x\"")], b""),
    ("DELETE", "/tenants/acme", &[("if-match", "\"1\"")], b""),
];

/// Requests for REST gateways and balancers only, because payload 2.0 joins repeated values by commas.
const TWICE: &[Asked] = &[
    ("GET", "/users/me", &[("authorization", "Bearer another")], b""),
    (
        "POST",
        "/tenants",
        &[JSON, ("idempotency-key", "one"), ("idempotency-key", "two")],
        br#"{"slug":"b","name":"B"}"#,
    ),
];

/// Returns the client's view of an answer, without the request id and the length, which the front sets.
///
/// Of entity tags and locations only the presence is compared: they depend on ids, which differ between stores.
fn seen(response: &Response<Bytes>) -> (u16, Vec<(String, Vec<u8>)>, Bytes) {
    let mut headers: Vec<_> = response
        .headers()
        .iter()
        .filter(|(name, _)| !["x-request-id", "content-length"].contains(&name.as_str()))
        .map(|(name, value)| match name.as_str() {
            "etag" | "location" => (name.to_string(), Vec::new()),
            _ => (name.to_string(), value.as_bytes().to_vec()),
        })
        .collect();
    headers.sort();
    (response.status().as_u16(), headers, response.body().clone())
}

async fn setup(stores: &NativeStage, issuer: &DevelopmentIssuer, clock: &Arc<ManualClock>) -> Setup {
    Setup {
        store: stores.store().await.unwrap(),
        clock: Arc::clone(clock),
        issuers: vec![issuer.settings("default")],
        service: dezky::service::ServiceSettings {
            platform_admin_group: Some("admins".to_owned()),
            ..dezky::service::ServiceSettings::default()
        },
    }
}

/// Sends the requests to both in sequence, each on its own store, so that later answers show earlier effects.
pub(crate) async fn same_as_native(emulator: &str, edges: &Edges, front: Front) {
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let clock = Arc::new(ManualClock::at_now());
    let token = issuer.mint(&issuer.claims("root").groups(["admins"]));
    let (stores, others) = (NativeStage::on_sqlite().unwrap(), NativeStage::on_sqlite().unwrap());
    let native = stores.edge(setup(&stores, &issuer, &clock).await).await.unwrap();
    let behind = setup(&others, &issuer, &clock).await;
    let stage = LambdaStage {
        stores: others,
        front,
        emulator: emulator.to_owned(),
        edges: Arc::clone(edges),
        made: AtomicU64::new(1_000_000),
    };
    let fronted = stage.edge(behind).await.unwrap();
    let twice = matches!(front, Front::Rest | Front::Balancer);
    for (method, target, headers, body) in ASKED.iter().chain(if twice { TWICE } else { &[] }) {
        let request = || {
            let mut request = Request::builder().method(*method).uri(*target).header("host", "api.example.eu");
            request = request.header("authorization", format!("Bearer {token}"));
            // As every front adds it.
            for (name, value) in *headers {
                request = request.header(*name, *value);
            }
            request.body(Bytes::from_static(body)).unwrap()
        };
        let (plain, behind) = (native.send(request()).await.unwrap(), fronted.send(request()).await.unwrap());
        let (plain, behind) = (seen(&plain), seen(&behind));
        assert_eq!((plain.0, &plain.1), (behind.0, &behind.1), "{method} {target} through {front:?}");
        let text = |bytes: &Bytes| masked(&String::from_utf8_lossy(bytes));
        assert_eq!(text(&plain.2), text(&behind.2), "{method} {target} through {front:?}");
    }
}

/// Masks ids, which differ between stores, and the request's id.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for part in text.split('"') {
        let id = part.len() == 24 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let request = part.len() >= 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        masked.push_str(if id || request { "id" } else { part });
        masked.push('"');
    }
    masked
}
