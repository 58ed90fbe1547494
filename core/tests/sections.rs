//! Tests that a section of the API answers its paths like the whole API.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use dezky::{
    Code, Error, Result,
    authn::VerifiedToken,
    clock::SystemClock,
    context::RequestContext,
    http::{HttpState, Identity, REQUEST_ID, Section, SectionRouter, operations, router},
    service::{Principal, Service, ServiceSettings},
    test_kit::cases::{NativeStage, Stage as _},
};
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;

#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Identity for Nobody {
    async fn caller(&self, _: &RequestContext, _: &HeaderMap) -> Result<Arc<VerifiedToken>> {
        Err(Error::new(Code::TOKEN_MISSING, "nobody is let in here"))
    }
}

fn request(method: &str, path: &str, system: bool) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
    if system {
        request.extensions_mut().insert(Principal::named_system("test").unwrap());
    }
    request
}

/// Returns everything in an answer except the request's id.
async fn told(answer: Response) -> (StatusCode, HeaderMap, Value) {
    let (mut head, body) = answer.into_parts();
    let id = head.headers.remove(REQUEST_ID).unwrap();
    let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    let mut body: Value = serde_json::from_str(&text.replace(id.to_str().unwrap(), "an id")).unwrap_or_default();
    body.as_object_mut().and_then(|problem| problem.remove("requestId"));
    (head.status, head.headers, body)
}

#[tokio::test]
async fn a_section_answers_its_paths_as_the_whole_api_does() {
    let stage = NativeStage::on_sqlite().unwrap();
    let service = Service::new(stage.store().await.unwrap(), Arc::new(SystemClock), ServiceSettings::default());
    let service = Arc::new(service);
    let state = || HttpState::new(Arc::clone(&service), Arc::new(Nobody));
    let whole = router(state());
    let documented = operations::paths();
    let names = |path: &&str| {
        let path = path.replace("{id}", "0123456789abcdef01234567").replace("{password}", "0");
        path.replace("{user}", "0")
            .replace("{tenant}", "a1")
            .replace("{system}", "chat")
            .replace("{domain}", "acme.eu")
            .replace("{directory}", "a1")
            .replace("{group}", "0")
            .replace("{type}", "User")
            .replace("{schema}", "urn:other")
    };
    let mut paths: Vec<String> = documented.iter().map(names).collect();
    assert!(paths.iter().all(|path| !path.contains('{')), "give their parameters values here: {paths:?}");
    let slashes: Vec<String> = paths.iter().map(|path| format!("{path}/")).collect();
    let odd =
        ["/", "/nope", "/%75sers", "//users", "/users/me/x", "/Users", "/users%2Fme", "/tenants?limit=0", "/oidc"];
    paths.extend(slashes.into_iter().chain(odd.map(str::to_owned)));
    let (mut found, mut answers) = (0, 0);
    for path in &paths {
        let part = SectionRouter::new(Section::of(path.split('?').next().unwrap()), Arc::new(state()));
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            for system in [false, true] {
                let request = || request(method, path, system);
                let expected = told(whole.clone().oneshot(request()).await.unwrap()).await;
                assert_eq!(told(part.clone().answer(request()).await).await, expected, "{method} {path}");
                let code = expected.2["code"].as_str().or_else(|| dezky::scim::code_of(&expected.2));
                found += usize::from(code != Some("route_not_found"));
                answers += 1;
            }
        }
    }
    assert!(found >= documented.len() * 14 && found < answers, "{found} of {answers}");
}
