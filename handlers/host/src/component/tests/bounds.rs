//! What an instance may take: what spins, traps, takes memory or waits is ended and harms no other request.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use super::world::World;
use crate::component::Isolation;

const PLAIN: (&str, &str) = ("x-plain", "1");

const BOTH: [Isolation; 2] = [Isolation::Shared, Isolation::Request];

#[tokio::test(flavor = "multi_thread")]
async fn what_traps_or_takes_all_memory_answers_500_as_a_problem_and_is_counted() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        for path in ["/trap", "/memory"] {
            let answer = world.send(None, "GET", path, PLAIN, None).await;
            assert_eq!((answer.status, answer.media_type.as_str()), (500, "application/problem+json"), "{answer:?}");
            assert_eq!(answer.body["code"], "internal");
            assert_eq!(world.send(None, "GET", "/", PLAIN, None).await.status, 200);
        }
        assert_eq!(world.metrics.component_failures(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_computes_for_ever_is_ended_while_other_requests_go_on() {
    for isolation in BOTH {
        let world = World::new(isolation).await;
        let begun = Instant::now();
        let spinning = world.send(None, "GET", "/spin", PLAIN, None);
        let others = async {
            for _ in 0..50 {
                assert_eq!(world.send(None, "GET", "/", PLAIN, None).await.status, 200);
            }
        };
        let (spun, ()) = tokio::join!(spinning, others);
        assert_eq!(spun.status, 500, "{spun:?}");
        // The limit is 1 s, and one more attempt in an instance of its own where instances are shared. The request's own limit is 30 s.
        assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_harms_no_other_request_of_its_instance() {
    let world = World::new(Isolation::Shared).await;
    let requests = (0..64).map(|number| {
        let world = &world;
        async move {
            let path = if number % 16 == 7 { "/trap" } else { "/" };
            (path, world.send(None, "GET", path, PLAIN, None).await.status)
        }
    });
    for (path, status) in futures_util::future::join_all(requests).await {
        assert_eq!(status, if path == "/trap" { 500 } else { 200 }, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_sees_no_token_and_reaches_neither_network_nor_files() {
    let world = World::new(Isolation::Shared).await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let answer = world.send(Some("anna"), "GET", "/surroundings", ("x-port", &port), None).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let seen = answer.body;
    let headers = seen["headers"].to_string();
    assert!(headers.contains("x-port") && !headers.contains("authorization"), "{headers}");
    for denied in ["connected", "bound", "fetched", "listed", "read"] {
        assert_eq!(seen[denied], false, "{denied}: {seen}");
    }
    assert_eq!((&seen["variables"], &seen["arguments"]), (&serde_json::json!([]), &serde_json::json!(0)));
    assert!(listener.accept().is_err(), "nobody connected");
}
