//! Measures billing: a decision about an entitlement, and the intake of signed events over HTTP until they are durable.
//!
//! `billing FOLDER [EVENTS]` creates the store in a new folder inside of FOLDER.
#![allow(clippy::print_stdout, reason = "the figures are what the program is for")]

use std::{hint::black_box, path::PathBuf, sync::Arc, time::Instant};

use dezky::{
    Platform, PlatformOptions,
    clock::{Clock as _, SystemClock, Timestamp},
    connectors::{
        Secret,
        stripe::{
            Stripe, StripeSettings,
            signature::{WebhookSecrets, sign},
        },
    },
    domain::{
        Subscription, TenantId,
        entitlement::{Feature, Usage, entitled},
        plan::Terms,
    },
    outbound::CertificateAuthorities,
    store::{SharedStore, sqlite::SqliteStore},
};
use dezky_benches::{Failure, median, serve};
use futures_util::{StreamExt as _, stream};
use serde_json::json;
use tokio::net::TcpListener;

const SECRET: &str = "whsec_of_the_measurement";
const CONNECTIONS: usize = 64;
const DECISIONS: u32 = 1_000_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let events = arguments.next().map_or(Ok(20_000), |text| text.parse::<usize>())?;
    decisions();
    let folder = tempfile::tempdir_in(parent)?;
    let path = folder.path().join("bench.db");
    let store: SharedStore = Arc::new(SqliteStore::open(path, Default::default(), dezky::COLLECTIONS)?);
    let settings = StripeSettings {
        // Nothing is asked of it: events are only taken here.
        url: "http://127.0.0.1:9/".parse()?,
        key: Secret::Bearer("sk_test_none".to_owned()),
        webhook_secrets: WebhookSecrets::new(vec![SECRET.to_owned()]),
        portal: "https://portal.example.eu/".parse()?,
        automatic_tax: false,
        authorities: CertificateAuthorities::default(),
    };
    let platform = Platform::open(PlatformOptions::new(store).billing(Some(Arc::new(Stripe::new(&settings)?))))?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/billing/stripe/webhook", listener.local_addr()?);
    tokio::spawn(serve(listener, platform.router()));
    let mut rates = Vec::new();
    for round in 0..3 {
        rates.push(intake(&url, round, events).await?);
    }
    #[allow(clippy::cast_precision_loss, reason = "a figure")]
    let shown = events as f64;
    println!(
        "{shown} events over HTTP, {CONNECTIONS} at a time, each on disk when it is answered: {:.0}/s",
        median(rates)
    );
    Ok(())
}

/// Measures decisions in one thread, without I/O.
fn decisions() {
    let now = SystemClock.now();
    let mut subscription = Subscription::blank(TenantId::generate(), now);
    let features = (0..20).map(|number| format!("feature-{number}")).collect();
    subscription.terms = Some(Terms { features, ..Terms::DEFAULT });
    subscription.seats = 500;
    let usage = Usage { seats: 499, files: 1 << 40 };
    for (what, feature) in [
        ("seats", Feature::Seats(1)),
        ("files", Feature::Files(1)),
        ("the last of 20 features", Feature::Named("feature-19")),
    ] {
        let mut rounds = Vec::new();
        for _ in 0..11 {
            let start = Instant::now();
            for _ in 0..DECISIONS {
                let now: Timestamp = black_box(now);
                black_box(entitled(black_box(&subscription), black_box(feature), black_box(usage), now));
            }
            rounds.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(DECISIONS));
        }
        println!("a decision about {what:<24} {:>8.1} ns", median(rounds));
    }
}

/// Sends events with different ids, and returns how many were taken in a second.
async fn intake(url: &str, round: usize, events: usize) -> Result<f64, Failure> {
    let client = reqwest::Client::builder().pool_max_idle_per_host(CONNECTIONS).build()?;
    let now = SystemClock.now();
    let bodies: Vec<(String, String)> = (0..events)
        .map(|number| {
            let object = json!({
                "id": format!("in_{number}"), "object": "invoice", "customer": format!("cus_{}", number % 500),
                "parent": { "subscription_details": { "subscription": format!("sub_{}", number % 500) } },
            });
            let event = json!({
                "id": format!("evt_{round}_{number}"), "object": "event", "api_version": "2026-10-28.endive",
                "created": now.seconds(), "type": "invoice.paid", "livemode": true, "data": { "object": object },
            });
            let body = event.to_string();
            (sign(SECRET, body.as_bytes(), now), body)
        })
        .collect();
    let start = Instant::now();
    let mut sending = stream::iter(bodies)
        .map(|(signature, body)| {
            let request = client.post(url).header("stripe-signature", signature).body(body);
            async move { request.send().await?.error_for_status().map(drop) }
        })
        .buffer_unordered(CONNECTIONS);
    while let Some(sent) = sending.next().await {
        sent?;
    }
    #[allow(clippy::cast_precision_loss, reason = "a figure")]
    Ok(events as f64 / start.elapsed().as_secs_f64())
}
