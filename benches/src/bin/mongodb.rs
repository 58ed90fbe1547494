//! The processor time of `GET /users/me` on MongoDB, beside that of the same reads through the bare driver.
//!
//! `mongodb URI` wants an empty database. Both cases run in this process and take turns, one request after the other; the
//! time is that of all threads of this process, so that the server beside it does not count.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::Request,
};
use dezky::{
    authn::{
        Verifier, VerifierOptions,
        keys::{HttpKeySource, StoreArchive},
    },
    clock::{Clock, SystemClock},
    development_issuer::DevelopmentIssuer,
    http::{HttpState, TokenIdentity, router},
    service::{Service, ServiceSettings, operation::SeedSettings},
    store::{SharedStore, mongodb::MongodbStore},
};
use dezky_benches::{Failure, median};
use futures_util::{TryStreamExt as _, try_join};
use mongodb::{
    Client, Database,
    bson::{Document, RawDocumentBuf, doc},
};
use tower::ServiceExt as _;

/// Requests of a case in each round: enough for the 10 ms ticks in which the kernel counts.
const REQUESTS: u32 = 300;

/// Rounds.
const ROUNDS: usize = 7;

#[tokio::main]
#[allow(clippy::print_stdout, reason = "the figures are what the program is for")]
async fn main() -> Result<(), Failure> {
    let uri = std::env::args().nth(1).ok_or("usage: mongodb URI")?;
    let (api, token) = platform(&uri).await?;
    profile(&api, &token).await?;
    let client = Client::with_uri_str(&uri).await?;
    let database = client.default_database().ok_or("the URI names no database")?;
    let known = Known::read(&database).await?;
    known.reads(&database).await?;
    let (mut requests, mut reads, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = processor_time()?;
        for _ in 0..REQUESTS {
            profile(&api, &token).await?;
        }
        let middle = processor_time()?;
        for _ in 0..REQUESTS {
            known.reads(&database).await?;
        }
        let end = processor_time()?;
        requests.push((middle - start) / f64::from(REQUESTS));
        reads.push((end - middle) / f64::from(REQUESTS));
        ratios.push((middle - start) / (end - middle));
    }
    println!("GET /users/me       {:>8.0} µs of CPU", median(requests));
    println!("the bare driver     {:>8.0} µs of CPU", median(reads));
    println!("ratio               {:>8.2}×", median(ratios));
    Ok(())
}

async fn platform(uri: &str) -> Result<(Router, String), Failure> {
    let store: SharedStore = Arc::new(MongodbStore::open(uri, Default::default(), dezky::COLLECTIONS)?);
    let issuer = DevelopmentIssuer::start().await?;
    let clock = Arc::new(SystemClock);
    let verifier = Verifier::new(
        vec![issuer.settings("default")],
        Arc::new(HttpKeySource::new(None)?),
        Arc::new(StoreArchive::new(Arc::clone(&store))),
        clock.clone(),
        VerifierOptions::default(),
    )?;
    verifier.refresh().await;
    let service = Arc::new(Service::new(store, clock, ServiceSettings::default()));
    service.seed(&SeedSettings::default()).await?;
    let claims = issuer.claims("anna").groups(["dezky"]).person("anna@example.eu", "Anna");
    let token = issuer.mint(&claims.lasting(SystemClock.now(), Duration::from_secs(3_600)));
    Ok((router(HttpState::new(service, Arc::new(TokenIdentity::new(verifier)))), token))
}

async fn profile(api: &Router, token: &str) -> Result<(), Failure> {
    let request = Request::get("/users/me").header("authorization", format!("Bearer {token}")).body(Body::empty())?;
    let response = api.clone().oneshot(request).await?;
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await?;
    if status != 200 { Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into()) } else { Ok(()) }
}

/// What the reads name.
struct Known {
    user: mongodb::bson::oid::ObjectId,
    user_key: String,
    tenant: mongodb::bson::oid::ObjectId,
}

impl Known {
    async fn read(database: &Database) -> Result<Self, Failure> {
        let one = async |name: &str| database.collection::<Document>(name).find_one(doc! {}).await;
        let user = one("users").await?.ok_or("there is no user")?;
        let tenant = one("tenants").await?.ok_or("there is no tenant")?;
        let subject = user.get_str("authentikSubjectId")?;
        Ok(Self {
            user: user.get_object_id("_id")?,
            user_key: format!("subject:default:{subject}"),
            tenant: tenant.get_object_id("_id")?,
        })
    }

    /// The same reads in the same waves; the documents stay as they came.
    async fn reads(&self, database: &Database) -> Result<(), Failure> {
        let find = async |name: &str, filter: Document, sort: Document, limit: i64| {
            let documents = database.collection::<RawDocumentBuf>(name);
            let found = documents.find(filter).sort(sort).limit(limit).await?;
            found.try_collect::<Vec<RawDocumentBuf>>().await
        };
        let by_id = || doc! {"_id": 1};
        // Of the same form as the key of an ended session, which is not there.
        let ended = "ended:subject:00000000000000000000000000000000000000000000000000000000000000000000";
        try_join!(
            find("users", doc! {"uniqueKeys": {"$in": [&self.user_key]}}, by_id(), 1),
            find("ended_sessions", doc! {"uniqueKeys": {"$in": [ended]}}, by_id(), 2),
        )?;
        try_join!(
            find("memberships", doc! {"userId": self.user, "active": true}, doc! {"tenantNameKey": 1, "_id": 1}, 101),
            find("user_activity", doc! {"_id": self.user}, by_id(), 1),
            find("tenants", doc! {"uniqueKeys": {"$in": ["group:dezky"]}}, by_id(), 1),
        )?;
        let current = format!("current:{}", self.tenant);
        try_join!(
            find("tenants", doc! {"_id": {"$in": [self.tenant]}}, by_id(), 1),
            find("subscriptions", doc! {"uniqueKeys": {"$in": [current]}}, by_id(), 1),
        )?;
        Ok(())
    }
}

/// Processor time of this process so far, in µs.
fn processor_time() -> Result<f64, Failure> {
    // Fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms; the name in field 2 ends with the last parenthesis.
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let (_, rest) = text.rsplit_once(')').ok_or("/proc/self/stat is not as documented")?;
    let ticks: Result<Vec<f64>, _> = rest.split_whitespace().skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() * 10_000.0)
}
