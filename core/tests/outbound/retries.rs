//! Repeated requests: which ones, upon what, and after how long.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use dezky::{
    outbound::{Client, OutboundErrorKind, OutboundOptions, Pause, Request, RetryPolicy},
    test_kit::ManualClock,
};
use tokio::net::TcpListener;
use url::Url;

use crate::server::{Server, answer, context, local};

/// Notes the pauses instead of waiting. Its randomness is one half.
#[derive(Debug, Default)]
struct Noted(Mutex<Vec<u128>>);

#[async_trait]
impl Pause for Noted {
    fn fraction(&self) -> f64 {
        0.5
    }

    async fn wait(&self, duration: Duration) {
        self.0.lock().unwrap().push(duration.as_millis());
    }
}

/// A client with three retries, and the pauses that it makes.
fn retrying() -> (Client, Arc<Noted>) {
    let pauses = Arc::new(Noted::default());
    let clock = ManualClock::at("1994-11-06T08:49:37.000Z".parse().unwrap());
    let retries = RetryPolicy { maximum: 3, base: Duration::from_millis(100), longest: Duration::from_millis(20_000) };
    let options = OutboundOptions { retries, pause: pauses.clone(), clock: Arc::new(clock), ..local() };
    (Client::new(options), pauses)
}

async fn failing(times: usize, status: u16, headers: &'static [(&'static str, &'static str)]) -> Server {
    Server::start(move |_, number| async move {
        if number < times { answer(status, headers, "not now") } else { answer(200, &[], "done") }
    })
    .await
}

#[tokio::test]
async fn what_may_pass_is_asked_again_after_growing_pauses() {
    for status in [429, 502, 503, 504] {
        for request in [Request::get("/"), Request::delete("/"), Request::post("/").idempotency_key("one").json(&1)] {
            let server = failing(3, status, &[]).await;
            let (client, pauses) = retrying();
            let response = client.send(&context(), &server.url, &request).await.unwrap();
            assert_eq!(response.body().as_ref(), b"done");
            assert_eq!(*pauses.0.lock().unwrap(), [50, 100, 200], "{status}");
            let arrived = server.arrived();
            assert_eq!(arrived.len(), 4);
            assert!(arrived.iter().all(|each| each.headers == arrived[0].headers && each.body == arrived[0].body));
        }
    }
}

#[tokio::test]
async fn retries_end_with_the_last_answer() {
    let server = failing(99, 503, &[("retry-after", "7")]).await;
    let (client, pauses) = retrying();
    let error = client.send(&context(), &server.url, &Request::get("/")).await.unwrap().error_for_status().unwrap_err();
    assert_eq!((error.kind(), error.may_retry()), (OutboundErrorKind::BadStatus, true));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    assert_eq!(*pauses.0.lock().unwrap(), [7050, 7100, 7200]);
    assert_eq!(server.arrived().len(), 4);
}

#[tokio::test]
async fn what_may_not_be_repeated_and_what_will_not_pass_is_asked_once() {
    for (status, request) in [
        (503, Request::post("/").json(&1)),
        (503, Request::patch("/").json(&1)),
        (500, Request::get("/")),
        (501, Request::get("/")),
        (404, Request::get("/")),
        (408, Request::get("/")),
    ] {
        let server = failing(1, status, &[]).await;
        let (client, pauses) = retrying();
        let response = client.send(&context(), &server.url, &request).await.unwrap();
        assert_eq!(response.status().as_u16(), status);
        assert!(pauses.0.lock().unwrap().is_empty());
        assert_eq!(server.arrived().len(), 1);
    }
}

#[tokio::test]
async fn a_server_may_say_when_to_come_back() {
    for (headers, expected) in [
        (&[("retry-after", "3")][..], &[3050][..]),
        (&[("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")], &[10_050]),
        (&[("retry-after", "Sun, 06 Nov 1994 08:49:07 GMT")], &[50]),
        (&[("retry-after", "tomorrow")], &[50]),
        // Nobody waits for that long.
        (&[("retry-after", "21")], &[]),
        (&[("retry-after", "Sun, 06 Nov 1994 09:49:47 GMT")], &[]),
        (&[("retry-after", "99999999999999999999")], &[]),
    ] {
        let server = failing(1, 429, headers).await;
        let (client, pauses) = retrying();
        let response = client.send(&context(), &server.url, &Request::get("/")).await.unwrap();
        assert_eq!(*pauses.0.lock().unwrap(), expected, "{headers:?}");
        assert_eq!(response.status().is_success(), !expected.is_empty(), "{headers:?}");
    }
}

#[tokio::test]
async fn nobody_waits_beyond_the_deadline() {
    let server = failing(1, 503, &[("retry-after", "5")]).await;
    let (client, pauses) = retrying();
    let soon = context().with_timeout(Duration::from_secs(4));
    let response = client.send(&soon, &server.url, &Request::get("/")).await.unwrap();
    assert_eq!(response.status().as_u16(), 503);
    assert!(pauses.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn connections_that_do_not_come_about_are_tried_again_and_refused_ones_are_not() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let (client, pauses) = retrying();
    let error = client.send(&context(), &url, &Request::get("/")).await.unwrap_err();
    assert_eq!(error.kind(), OutboundErrorKind::Connect);
    assert_eq!(pauses.0.lock().unwrap().len(), 3);
    let refused = Url::parse("https://10.0.0.5/").unwrap();
    assert!(client.send(&context(), &refused, &Request::get("/")).await.is_err());
    assert_eq!(pauses.0.lock().unwrap().len(), 3);
}
