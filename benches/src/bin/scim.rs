//! Measures SCIM: people created by many connections, and a large group changed member by member, over HTTP on SQLite.
//!
//! `scim FOLDER [PEOPLE]` creates the store in a new folder inside of FOLDER.
#![allow(clippy::print_stdout, reason = "the figures are what the program is for")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use dezky::{
    Platform, PlatformOptions,
    domain::{CreateApiKey, CreateTenant},
    scim::MEDIA_TYPE,
    store::{SharedStore, sqlite::SqliteStore},
};
use dezky_benches::{Failure, median, serve};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const CONNECTIONS: usize = 64;
/// Members that are added while the group is small, and once more when it is large.
const MEASURED: usize = 500;

/// An identity provider.
struct Provider {
    client: reqwest::Client,
    base: String,
    key: String,
}

impl Provider {
    async fn send(&self, method: reqwest::Method, path: &str, body: &Value) -> Result<Value, Failure> {
        let request = self.client.request(method, format!("{}{path}", self.base)).bearer_auth(&self.key);
        let answer = request.header("content-type", MEDIA_TYPE).body(body.to_string()).send().await?;
        let text = answer.error_for_status()?.text().await?;
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    async fn create(&self, number: usize) -> Result<String, Failure> {
        let body = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "externalId": format!("subject-{number}"), "userName": format!("person-{number}@example.eu"),
            "name": {"givenName": "Anna", "familyName": format!("Example {number}")},
            "emails": [{"value": format!("person-{number}@example.eu"), "type": "work", "primary": true}], "active": true,
        });
        let made = self.send(reqwest::Method::POST, "/Users", &body).await?;
        id_of(&made)
    }

    /// Adds or removes members one by one. Returns the median of a request, in microseconds.
    async fn patch(&self, group: &str, verb: &str, people: &[String]) -> Result<f64, Failure> {
        let mut times = Vec::with_capacity(people.len());
        for person in people {
            let operation = json!({"op": verb, "path": "members", "value": [{"value": person}]});
            let begun = Instant::now();
            self.send(reqwest::Method::PATCH, &format!("/Groups/{group}"), &json!({"Operations": [operation]})).await?;
            times.push(begun.elapsed().as_secs_f64() * 1e6);
        }
        Ok(median(times))
    }
}

fn id_of(resource: &Value) -> Result<String, Failure> {
    Ok(resource.get("id").and_then(Value::as_str).ok_or("a resource has an id")?.to_owned())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let people = arguments.next().map_or(Ok(10_000), |text| text.parse::<usize>())?;
    let folder = tempfile::tempdir_in(parent)?;
    let path = folder.path().join("bench.db");
    let store: SharedStore = Arc::new(SqliteStore::open(path, Default::default(), dezky::COLLECTIONS)?);
    let platform = Platform::open(PlatformOptions::new(store))?;
    let system = platform.as_system("bench")?;
    system.tenants().create(CreateTenant::build("acme", "Acme").authentik_group("staff".to_owned()).finish()?).await?;
    let scopes = ["directory.read", "directory.provision", "directory.read_platform", "directory.provision_platform"];
    let key = CreateApiKey::read(json!({ "name": "bench", "scopes": scopes }))?;
    let key = system.api_keys().create(key).await?.secret.ok_or("a new key has no secret")?.0;
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let base = format!("http://{}/scim/v2/default", listener.local_addr()?);
    tokio::spawn(serve(listener, platform.router()));
    let provider = Provider { client: reqwest::Client::new(), base, key };

    let begun = Instant::now();
    let created = stream::iter(0..people).map(|number| provider.create(number)).buffer_unordered(CONNECTIONS);
    let created: Vec<String> = created.collect::<Vec<_>>().await.into_iter().collect::<Result<_, _>>()?;
    #[allow(clippy::cast_precision_loss, reason = "counts are small")]
    let rate = created.len() as f64 / begun.elapsed().as_secs_f64();
    println!("people created, {CONNECTIONS} connections: {rate:.0}/s");

    let group = provider.send(reqwest::Method::POST, "/Groups", &json!({"displayName": "staff"})).await?;
    let group = id_of(&group)?;
    let (measured, others) = created.split_at(MEASURED.min(created.len()));
    // Both times they were members before: whoever comes for the first time costs less than who comes back.
    provider.patch(&group, "add", measured).await?;
    provider.patch(&group, "remove", measured).await?;
    let small = provider.patch(&group, "add", measured).await?;
    provider.patch(&group, "remove", measured).await?;
    let begun = Instant::now();
    provider.patch(&group, "add", others).await?;
    println!("{} members added one by one in {:.1} s", others.len(), begun.elapsed().as_secs_f64());
    let large = provider.patch(&group, "add", measured).await?;
    println!(
        "a member added to a group without any: {small:.0} µs; to one of {}: {large:.0} µs: {:.2}x",
        others.len(),
        large / small
    );
    Ok(())
}
