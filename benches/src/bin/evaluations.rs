//! Measures the AuthZEN evaluations: one question a request and 100 a request, by an API key, over HTTP on SQLite.
//!
//! `evaluations FOLDER [QUESTIONS]` creates the store in a new folder inside of FOLDER.
#![allow(clippy::print_stdout, reason = "the figures are what the program is for")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use dezky::{
    Platform, PlatformOptions,
    domain::{CreateApiKey, CreateTenant, CreateUser, GrantMembership, MembershipRole},
    store::{SharedStore, sqlite::SqliteStore},
};
use dezky_benches::{Failure, median, serve};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const CONNECTIONS: usize = 64;
/// Questions of a list.
const LIST: usize = 100;
/// Tenants and people that are asked about.
const ESTATE: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let questions = arguments.next().map_or(Ok(20_000), |text| text.parse::<usize>())?;
    let folder = tempfile::tempdir_in(parent)?;
    let path = folder.path().join("bench.db");
    let store: SharedStore = Arc::new(SqliteStore::open(path, Default::default(), dezky::COLLECTIONS)?);
    let platform = Platform::open(PlatformOptions::new(store))?;
    let system = platform.as_system("bench")?;
    let mut asked = Vec::with_capacity(ESTATE);
    for number in 0..ESTATE {
        let slug = format!("tenant-{number}");
        let tenant = system.tenants().create(CreateTenant::build(&slug, &slug).finish()?).await?;
        let user = CreateUser::read(json!({ "authentikSubjectId": format!("person-{number}") }))?;
        let user = system.users().create(user).await?;
        let grant = GrantMembership { user_id: user.id, role: MembershipRole::Admin };
        system.members().grant(&tenant.id.into(), grant).await?;
        asked.push(json!({
            "subject": {"type": "user", "id": user.id}, "action": {"name": "membership.grant"}, "resource": {"type": "tenant", "id": slug},
        }));
    }
    let key = CreateApiKey::read(json!({ "name": "bench", "scopes": ["access.evaluate"] }))?;
    let key = system.api_keys().create(key).await?.secret.ok_or("a new key has no secret")?.0;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let base = format!("http://{}/access/v1", listener.local_addr()?);
    tokio::spawn(serve(listener, platform.router()));
    let one: Vec<(String, usize)> =
        (0..questions).filter_map(|at| Some((asked.get(at % ESTATE)?.to_string(), 1))).collect();
    report("one a request", &format!("{base}/evaluation"), &key, one).await?;
    let list = |at: usize| -> Value { (0..LIST).filter_map(|more| asked.get((at + more) % ESTATE)).cloned().collect() };
    let lists = (0..questions / LIST * 5).map(|at| (json!({ "evaluations": list(at) }).to_string(), LIST)).collect();
    report("100 a request", &format!("{base}/evaluations"), &key, lists).await
}

/// Sends the bodies three times, and prints the median rate of questions.
async fn report(name: &str, url: &str, key: &str, bodies: Vec<(String, usize)>) -> Result<(), Failure> {
    let client = reqwest::Client::new();
    let mut rates = Vec::new();
    for _ in 0..3 {
        let begun = Instant::now();
        let sent = stream::iter(bodies.clone()).map(|(body, questions)| {
            let request = client.post(url).bearer_auth(key).header("content-type", "application/json").body(body);
            async move {
                let answer = request.send().await?.error_for_status()?.text().await?;
                Ok::<_, reqwest::Error>((questions, answer.matches("\"decision\":true").count()))
            }
        });
        let answers: Vec<_> = sent.buffer_unordered(CONNECTIONS).collect().await;
        let seconds = begun.elapsed().as_secs_f64();
        let mut answered = 0;
        for answer in answers {
            let (questions, permitted) = answer?;
            if questions != permitted {
                return Err("every question is to be permitted".into());
            }
            answered += questions;
        }
        #[allow(clippy::cast_precision_loss, reason = "counts are small")]
        rates.push(answered as f64 / seconds);
    }
    println!("evaluations over HTTP, {CONNECTIONS} connections, {name}: {:.0}/s", median(rates));
    Ok(())
}
