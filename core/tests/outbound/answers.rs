//! Requests as they arrive, and what errors tell of answers.

use dezky::{
    Error, ErrorKind,
    outbound::{OutboundError, OutboundErrorKind, Request, Response},
    trace::TraceContext,
};
use http::{Method, header};
use serde::Deserialize;
use serde_json::json;

use crate::server::{Server, client, context};

async fn of(status: u16, headers: &[(&'static str, &str)], body: impl Into<bytes::Bytes>) -> Response {
    let server = Server::answering(status, headers, body).await;
    client().send(&context(), &server.url, &Request::get("/api").query("key", "s3cret")).await.unwrap()
}

#[tokio::test]
async fn bodies_and_headers_arrive_as_they_were_given() {
    let server = Server::answering(201, &[("x-made", "yes")], "{}").await;
    let client = client();
    let requests = [
        Request::post("/json").json(&json!({ "name": "é" })).idempotency_key("key-1"),
        Request::put("/form").form([("a", "1 2"), ("b[0]", "&")]),
        Request::patch("/bytes").body("application/octet-stream", vec![0, 255]).header(header::ACCEPT, "text/plain"),
        Request::new(Method::HEAD, "/head"),
    ];
    for request in &requests {
        let response = client.send(&context(), &server.url, request).await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["x-made"].as_bytes()), (201, &b"yes"[..]));
    }
    let arrived = server.arrived();
    let told: Vec<_> = arrived
        .iter()
        .map(|each| {
            let (method, target) = (each.method.as_str(), each.target.as_str());
            (method, target, each.header("content-type"), each.header("accept"), each.body.as_ref())
        })
        .collect();
    let json = Some("application/json");
    assert_eq!(
        told,
        [
            ("POST", "/json", json, json, "{\"name\":\"é\"}".as_bytes()),
            ("PUT", "/form", Some("application/x-www-form-urlencoded"), json, b"a=1+2&b%5B0%5D=%26"),
            ("PATCH", "/bytes", Some("application/octet-stream"), Some("text/plain"), &[0, 255]),
            ("HEAD", "/head", None, json, b""),
        ]
    );
    assert_eq!(arrived[0].header("idempotency-key"), Some("key-1"));
}

#[tokio::test]
async fn an_error_shows_a_short_plain_excerpt_and_no_query() {
    let hostile = format!("no\r\n\u{1b}[31m `space`\t\u{202e}left {}", "x".repeat(5000));
    let error = of(422, &[], hostile).await.error_for_status().unwrap_err();
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (OutboundErrorKind::BadStatus, 422));
    let message = error.message();
    assert!(message.contains("/api` answers 422: `no [31m space left xxx"), "{message}");
    assert!(message.chars().count() < 300 && !message.chars().any(char::is_control), "{message}");
    assert!(!message.contains("s3cret"), "{message}");
    let error = of(500, &[], "").await.error_for_status().unwrap_err();
    assert!(error.message().ends_with("answers 500"), "{error}");
    assert!(of(204, &[], "").await.error_for_status().is_ok());
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Item>,
}

#[derive(Debug, Deserialize)]
struct Item {
    pk: u64,
}

#[tokio::test]
async fn json_of_another_form_is_told_by_its_place_and_not_its_content() {
    let page: Page = of(200, &[], r#"{"items":[{"pk":1},{"pk":2}]}"#).await.json().unwrap();
    assert_eq!(page.items.iter().map(|item| item.pk).collect::<Vec<_>>(), [1, 2]);
    for (body, told) in [
        (r#"{"items":[{"pk":1},{"pk":"s3cret"}]}"#, "JSON of an unexpected form at `items[1].pk` (line 1, column 33)"),
        (r#"{"items":[{"s3cret":1}]}"#, "JSON of an unexpected form at `items[0]`"),
        ("<html>s3cret", "no JSON at `.` (line 1, column 1)"),
        ("", "no JSON at"),
        (r#"{"items":[]} s3cret"#, "more than one JSON value"),
    ] {
        let error = of(200, &[], body).await.json::<Page>().unwrap_err();
        assert_eq!(error.kind(), OutboundErrorKind::BadBody);
        assert!(error.message().contains(told) && !error.message().contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn a_path_that_is_a_secret_is_not_shown() {
    let server = Server::answering(410, &[], "").await;
    let request = Request::post("/services").segment("s3cret").json(&1).with_secret_path();
    let error = client().send(&context(), &server.url, &request).await.unwrap().error_for_status().unwrap_err();
    assert_eq!(error.message(), format!("`{}` answers 410", server.url.origin().ascii_serialization()));
}

async fn failed(status: u16, headers: &[(&'static str, &str)]) -> OutboundError {
    of(status, headers, "internal detail").await.error_for_status().unwrap_err()
}

#[tokio::test]
async fn callers_learn_whether_to_come_back_and_no_details() {
    let error = Error::from(failed(503, &[("retry-after", "9")]).await);
    assert_eq!((error.kind(), error.code()), (ErrorKind::Unavailable, "upstream_unavailable"));
    assert_eq!(error.retry_after().map(|wait| wait.as_secs()), Some(9));
    assert!(!error.message().contains("detail") && !error.message().contains("127.0.0.1"), "{error}");
    let error = Error::from(failed(400, &[]).await);
    assert_eq!((error.kind(), error.retryable()), (ErrorKind::Internal, false));
}

#[tokio::test]
async fn a_trace_goes_along_where_there_is_one() {
    let server = Server::answering(200, &[], "").await;
    let mut traced = context();
    let trace: TraceContext = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
    traced.trace = Some(trace);
    client().send(&traced, &server.url, &Request::get("/")).await.unwrap();
    client().send(&context(), &server.url, &Request::get("/")).await.unwrap();
    let arrived = server.arrived();
    assert_eq!(arrived[0].header("traceparent"), Some(trace.to_string().as_str()));
    assert_eq!(arrived[1].header("traceparent"), None);
}
