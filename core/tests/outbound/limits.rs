//! Bounded bodies, times and concurrency.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::body::Body;
use bytes::Bytes;
use dezky::outbound::{Client, OutboundErrorKind, OutboundOptions, Request};
use flate2::{Compression, write::GzEncoder};
use futures_util::{future::join_all, stream};
use tokio::{io::AsyncWriteExt as _, net::TcpListener, sync::Semaphore};
use url::Url;

use crate::server::{Server, answer, client, context, local};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn bodies_are_bounded_as_they_come_and_once_decompressed() {
    let server = Server::start(|asked, _| async move {
        match asked.target.as_str() {
            "/fits" => answer(200, &[], vec![b'x'; 1000]),
            "/plain" => answer(200, &[], vec![b'x'; 1001]),
            // Without a length.
            "/streamed" => {
                let chunks = stream::iter((0..100).map(|_| Ok::<_, std::io::Error>(Bytes::from_static(&[0; 100]))));
                answer(200, &[], Body::from_stream(chunks))
            }
            "/gzip-fits" => answer(200, &[("content-encoding", "gzip")], gzip(&[b'x'; 1000])),
            "/gzip" => answer(200, &[("content-encoding", "gzip")], gzip(&vec![b'x'; 1_000_000])),
            "/not-gzip" => answer(200, &[("content-encoding", "gzip")], "x"),
            _ => answer(200, &[("content-encoding", "br")], "x"),
        }
    })
    .await;
    let client = Client::new(OutboundOptions { maximum_body: 1000, ..local() });
    let send = |path: &'static str| {
        let (client, url) = (client.clone(), server.url.clone());
        async move { client.send(&context(), &url, &Request::get(path)).await }
    };
    for path in ["/fits", "/gzip-fits"] {
        assert_eq!(send(path).await.unwrap().body().len(), 1000, "{path}");
    }
    for path in ["/plain", "/streamed", "/gzip"] {
        let error = send(path).await.unwrap_err();
        assert_eq!(error.kind(), OutboundErrorKind::TooLarge, "{path}: {error}");
        assert!(error.message().contains("answers more than 1000 bytes") && !error.may_retry(), "{error}");
    }
    for path in ["/not-gzip", "/br"] {
        let error = send(path).await.unwrap_err();
        assert_eq!(error.kind(), OutboundErrorKind::BadBody, "{path}: {error}");
    }
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_given_up_at_the_first_of_both_limits() {
    let server = Server::start(|_, _| std::future::pending()).await;
    let patient = Client::new(OutboundOptions { timeout: Duration::from_secs(3600), ..local() });
    let soon = context().with_timeout(Duration::from_millis(50));
    let error = patient.send(&soon, &server.url, &Request::get("/")).await.unwrap_err();
    assert_eq!(error.kind(), OutboundErrorKind::Timeout);
    let hasty = Client::new(OutboundOptions { timeout: Duration::from_millis(50), ..local() });
    let error = hasty.send(&context(), &server.url, &Request::get("/")).await.unwrap_err();
    assert_eq!(error.kind(), OutboundErrorKind::Timeout);
    assert!(error.message().contains("does not answer within 50 ms") && error.may_retry(), "{error}");
    // With a deadline that has passed nothing is sent.
    let error = patient.send(&context().with_timeout(Duration::ZERO), &server.url, &Request::get("/late")).await;
    assert_eq!(error.unwrap_err().kind(), OutboundErrorKind::Timeout);
    assert!(server.arrived().iter().all(|arrived| arrived.target == "/"));
}

/// Answers one connection with these bytes and closes it.
async fn breaking(bytes: &'static [u8]) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.readable().await.unwrap();
        let _ = stream.try_read(&mut [0; 4096]);
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
    });
    url
}

#[tokio::test]
async fn connections_that_break_are_told_apart_from_those_that_never_were() {
    for bytes in [&b""[..], b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"] {
        let error = client().send(&context(), &breaking(bytes).await, &Request::get("/")).await.unwrap_err();
        assert_eq!(error.kind(), OutboundErrorKind::Interrupted, "{error}");
        assert!(error.may_retry());
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = client().send(&context(), &url, &Request::get("/")).await.unwrap_err();
    assert_eq!(error.kind(), OutboundErrorKind::Connect, "{error}");
}

#[tokio::test]
async fn requests_to_one_origin_wait_for_each_other_beyond_the_limit() {
    let (now, most, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let seen = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&gate));
    let server = Server::start(move |_, _| {
        let (now, most, gate) = seen.clone();
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            gate.acquire().await.unwrap().forget();
            now.fetch_sub(1, Ordering::SeqCst);
            answer(200, &[], "")
        }
    })
    .await;
    let client = Client::new(OutboundOptions { maximum_in_flight: 2, ..local() });
    let origin = client.for_origin(server.url.clone(), None).unwrap();
    let requests: Vec<_> = (0..6)
        .map(|number| {
            let (origin, client, url) = (origin.clone(), client.clone(), server.url.clone());
            tokio::spawn(async move {
                // By the handle and without it: the origin is the same.
                let (context, request) = (context(), Request::get("/"));
                if number % 2 == 0 {
                    origin.send(&context, &request).await
                } else {
                    client.send(&context, &url, &request).await
                }
            })
        })
        .collect();
    while now.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    // Another one gives up at its deadline without having been sent.
    let soon = context().with_timeout(Duration::from_millis(20));
    let error = origin.send(&soon, &Request::get("/late")).await.unwrap_err();
    assert_eq!(error.kind(), OutboundErrorKind::Timeout);
    assert!(error.message().contains("in flight"), "{error}");
    gate.add_permits(6);
    for outcome in join_all(requests).await {
        assert!(outcome.unwrap().is_ok());
    }
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert!(server.arrived().iter().all(|arrived| arrived.target == "/"));
}
