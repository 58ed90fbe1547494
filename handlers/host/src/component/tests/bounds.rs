//! Tests the limits of instances: one that spins, traps, takes memory or waits is ended without affecting others.

use std::{
    convert::Infallible,
    net::TcpListener,
    time::{Duration, Instant},
};

use axum::body::Body;
use bytes::Bytes;
use dezky::{context::RequestContext, http::MAXIMUM_BODY, trace::TraceContext};
use http::Request;
use serde_json::json;

use super::{
    stage::{build_hostile, component, hostile},
    world::{World, with_script},
};
use crate::component::{Compiled, Isolation, PoolLimits, Writers, exports::Way};

const BOTH: [Isolation; 2] = [Isolation::Shared, Isolation::Request];

/// Returns the hostile component with each interface.
fn by_both_ways() -> [Compiled; 2] {
    [Way::Requests, Way::WasiHttp].map(|way| Compiled { way, ..hostile() })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_traps_or_takes_all_memory_answers_500_as_a_problem_and_is_counted() {
    for (isolation, compiled) in BOTH.into_iter().zip(by_both_ways()).chain(BOTH.into_iter().rev().zip(by_both_ways()))
    {
        let world = World::with(isolation, &compiled, RequestContext::DEFAULT_TIMEOUT).await;
        for path in ["/trap", "/memory"] {
            let answer = world.send(None, "GET", path, None).await;
            assert_eq!((answer.status, answer.media_type.as_str()), (500, "application/problem+json"), "{answer:?}");
            assert_eq!(answer.body["code"], "internal");
            assert_eq!(world.send(None, "GET", "/", None).await.status, 200);
        }
        assert_eq!(world.metrics.component_failures(), 2);
        let told = |name: &str| {
            let text = world.metrics.text(&[], &[], true).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
            line.unwrap().parse::<f64>().unwrap()
        };
        // A used instance may die of old state; then a new one gets the request, and dies too.
        let deaths = if isolation == Isolation::Shared { 3.0 } else { 2.0 };
        assert_eq!((told("dezky_component_deaths_total"), told("dezky_component_failures_total")), (deaths, 2.0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_the_host_keep_more_than_it_may_is_ended_and_counted() {
    for (isolation, compiled) in BOTH.into_iter().zip(by_both_ways()) {
        let world = World::with(isolation, &compiled, RequestContext::DEFAULT_TIMEOUT).await;
        let kinds = ["fields", "waits", "streams", "argument", "endless-answer"];
        for (number, what) in kinds.into_iter().enumerate() {
            let answer = world.send(None, "GET", &format!("/hoard?what={what}"), None).await;
            assert_eq!((answer.status, &answer.body["code"]), (500, &json!("internal")), "{what}: {answer:?}");
            assert_eq!(world.metrics.component_failures(), u64::try_from(number + 1).unwrap(), "{what}");
            assert_eq!(world.send(None, "GET", "/", None).await.status, 200, "{what}");
        }
        let answer = world.send(None, "GET", "/hoard?what=randomness", None).await;
        assert_eq!((answer.status, answer.body), (200, json!(4_096)), "no more at once, whatever is asked for");
        // A well-behaved request is far below the limit.
        assert_eq!(world.send(None, "GET", "/hoard?what=answer", None).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finds_no_memory_because_others_have_it_is_told_to_come_again() {
    let pool_limits = PoolLimits { together: 80 * 1024 * 1024, ..PoolLimits::default() };
    let compiled = Compiled::load(&build_hostile(), Writers::Anybody, pool_limits).unwrap();
    let world = World::with(Isolation::Shared, &compiled, RequestContext::DEFAULT_TIMEOUT).await;
    let greedy = (0..4).map(|_| world.send(None, "GET", "/hoard?what=memory", None));
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(greedy).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses.last(), Some(&503), "it is not enough for all: {statuses:?}");
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    // It was released with the instances that had it.
    assert_eq!(world.send(None, "GET", "/hoard?what=memory", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_computes_for_ever_is_ended_while_other_requests_go_on() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        // Without calls, with log lines in between, and with reads in between.
        for (number, path) in ["/spin", "/chatter", "/browse"].into_iter().enumerate() {
            let begun = Instant::now();
            let spinning = world.send(Some("anna"), "GET", path, None);
            let others = async {
                for _ in 0..50 {
                    assert_eq!(world.send(None, "GET", "/", None).await.status, 200);
                }
            };
            let (spun, ()) = tokio::join!(spinning, others);
            assert_eq!((spun.status, &spun.body["code"]), (500, &json!("internal")), "{path} {spun:?}");
            assert_eq!(world.metrics.component_failures(), u64::try_from(number + 1).unwrap(), "{path}");
            // Ended by the limit on computing, not by the time limit of the request, which has another code.
            assert!(begun.elapsed() < RequestContext::DEFAULT_TIMEOUT, "{path}: {:?}", begun.elapsed());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_longer_than_a_request_may_gets_503_and_holds_up_nobody() {
    for isolation in BOTH {
        let world = World::with(isolation, &hostile(), Duration::from_secs(12)).await;
        let waiting = world.send(None, "GET", "/sleep", None);
        let others = async {
            let requests = (0..16).map(|_| world.send(None, "GET", "/", None));
            for answer in futures_util::future::join_all(requests).await {
                assert_eq!(answer.status, 200, "{answer:?}");
            }
        };
        let (waited, ()) = tokio::join!(waiting, others);
        assert_eq!((waited.status, &waited.body["code"]), (503, &json!("server_timeout")), "{waited:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_harms_no_other_request_of_its_instance() {
    let world = World::new(Isolation::Shared).await;
    let requests = (0..64).map(|number| {
        let world = &world;
        async move {
            let path = if number % 16 == 7 { "/trap" } else { "/" };
            let method = if number % 2 == 0 { "GET" } else { "POST" };
            let method = if path == "/trap" { "GET" } else { method };
            (path, world.send(None, method, path, None).await.status)
        }
    });
    for (path, status) in futures_util::future::join_all(requests).await {
        assert_eq!(status, if path == "/trap" { 500 } else { 200 }, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_room_for_an_instance_the_answer_is_503() {
    let pool_limits = PoolLimits { instances: 1, ..PoolLimits::default() };
    let compiled = Compiled::load(&build_hostile(), Writers::Anybody, pool_limits).unwrap();
    let world = World::with(Isolation::Request, &compiled, Duration::from_secs(8)).await;
    let waiting = world.send(None, "GET", "/sleep", None);
    let others = async {
        // Until the first one has the only slot.
        loop {
            let answer = world.send(None, "GET", "/", None).await;
            if answer.status == 503 {
                assert_eq!(answer.body["code"], "overloaded", "{answer:?}");
                assert!(answer.headers.contains_key("retry-after"));
                break;
            }
        }
    };
    tokio::join!(waiting, others);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_finds_all_instances_at_work_waits_for_a_turn_and_those_that_rest_make_room() {
    let pool_limits = PoolLimits { instances: 1, ..PoolLimits::default() };
    let compiled = Compiled::load(&build_hostile(), Writers::Anybody, pool_limits).unwrap();
    let world = World::with(Isolation::Shared, &compiled, RequestContext::DEFAULT_TIMEOUT).await;
    // A `GET` leaves an idle instance, and a `POST` needs its own.
    let requests = (0..16).map(|number| {
        let method = if number % 2 == 0 { "GET" } else { "POST" };
        world.send(None, method, "/", None)
    });
    for answer in futures_util::future::join_all(requests).await {
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_too_large_never_reaches_the_component() {
    let world = World::new(Isolation::Shared).await;
    let path = with_script("/anything", &json!([{"call": "length"}]));
    for (length, received) in
        [(0, 0), (10, 10), (MAXIMUM_BODY, MAXIMUM_BODY), (MAXIMUM_BODY + 1, 0), (3 * MAXIMUM_BODY, 0)]
    {
        let request = || Request::builder().method("POST").uri(&path);
        let announced = request().header("content-length", length);
        let answer = world.send_raw(None, announced, Body::from(vec![b'x'; length])).await;
        assert_eq!(answer.body, json!([received]), "{length} announced");
        let pieces = (0..length.div_ceil(65_536))
            .map(move |piece| Ok::<_, Infallible>(Bytes::from(vec![b'x'; (length - piece * 65_536).min(65_536)])));
        let chunked = Body::from_stream(futures_util::stream::iter(pieces));
        let answer = world.send_raw(None, request(), chunked).await;
        assert_eq!(answer.body, json!([received]), "{length} in pieces");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_sees_no_secret_sets_no_cookie_and_reaches_neither_network_nor_files() {
    for compiled in by_both_ways() {
        let world = World::with(Isolation::Shared, &compiled, RequestContext::DEFAULT_TIMEOUT).await;
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port().to_string();
        let mut request =
            Request::builder().uri(format!("/surroundings?port={port}")).header("content-type", "text/plain");
        let secrets = [
            "cookie",
            "proxy-authorization",
            "x-authentik-jwt",
            "x-forwarded-access-token",
            "x-auth-request-access-token",
            "x-forwarded-authorization",
            "x-api-key",
        ];
        for name in secrets {
            request = request.header(name, "secret");
        }
        let answer = world.send_raw(Some("anna"), request, Body::empty()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let seen = answer.body;
        let headers = seen["headers"].to_string();
        assert!(headers.contains("content-type") && !headers.contains("\"authorization\""), "{headers}");
        assert!(secrets.iter().all(|name| !headers.contains(name)), "{headers}");
        for denied in ["connected", "bound", "listed", "read"] {
            assert_eq!(seen[denied], false, "{denied}: {seen}");
        }
        assert_eq!((&seen["variables"], &seen["arguments"]), (&json!([]), &json!(0)));
        assert!(listener.accept().is_err(), "nobody connected");
        // An instance that tries to make a request is ended, because that import is not linked.
        assert_eq!(world.send(Some("anna"), "GET", "/fetch", None).await.status, 500);
        let answer = world.send(Some("anna"), "GET", "/cookie", None).await;
        assert_eq!((answer.status, answer.headers.get("set-cookie")), (200, None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_works_within_the_span_of_the_host() {
    for compiled in by_both_ways() {
        let world = World::with(Isolation::Shared, &compiled, RequestContext::DEFAULT_TIMEOUT).await;
        let received = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (sent, continued) in [(Some(received), true), (Some("00-broken"), false), (None, false)] {
            let mut request = Request::builder().uri("/surroundings");
            if let Some(sent) = sent {
                request = request.header("traceparent", sent);
            }
            let answer = world.send_raw(Some("anna"), request, Body::empty()).await;
            let seen = answer.body["trace"].as_str().unwrap().to_owned();
            assert!(seen.parse::<TraceContext>().is_ok() && seen != received, "{seen}");
            assert_eq!(seen.starts_with(&received[..36]), continued, "{seen}");
        }
    }
}

#[test]
fn the_component_imports_nothing_but_wasi_and_the_platform() {
    let compiled = Compiled::load(&component(), Writers::Anybody, PoolLimits::default()).unwrap();
    let names: Vec<String> =
        compiled.component.component_type().imports(&compiled.engine).map(|(name, _)| name.to_owned()).collect();
    assert!(names.iter().any(|name| name.starts_with("dezky:platform/store@")), "{names:?}");
    for name in &names {
        let platform = name.starts_with("dezky:platform/") && name.ends_with("@0.3.0");
        assert!(platform || name.starts_with("wasi:"), "{name}");
    }
}
