//! Measures the audit trail: a tenant's page among 1,000 and 1,000,000 events, sealing, and full verification.
//!
//! `trail FOLDER [EVENTS]` creates the store in a new folder inside of FOLDER. With `DEZKY_BENCH_MONGODB` it measures that
//! server instead, in a database of its own.
#![allow(clippy::print_stdout, reason = "the figures are what the program is for")]

use std::{path::PathBuf, sync::Arc, time::Instant};

use dezky::{
    Platform, PlatformOptions,
    clock::{Clock as _, SystemClock},
    context::SystemActor,
    domain::{AuditActor, AuditChain, AuditEvent, AuditEventId, AuditResource, CreateTenant, ObjectId, TenantId, seal},
    service::{Call, ListRequest, Service, audit::AuditFilter},
    store::{Commit, SharedStore, mongodb::MongodbStore, sqlite::SqliteStore},
    work::trail::{seal as seal_waiting, verify},
};
use dezky_benches::{Failure, median};
use serde_json::json;

const FEW: usize = 1_000;
const BATCH: usize = 1_000;
const ROUNDS: usize = 200;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let many = arguments.next().map_or(Ok(1_000_000), |text| text.parse::<usize>())?;
    let folder = tempfile::tempdir_in(parent)?;
    let store: SharedStore = match std::env::var("DEZKY_BENCH_MONGODB") {
        Ok(server) => Arc::new(MongodbStore::open(
            &format!("{}/bench_{}", server.trim_end_matches('/'), ObjectId::generate()),
            Default::default(),
            dezky::COLLECTIONS,
        )?),
        Err(_) => Arc::new(SqliteStore::open(folder.path().join("bench.db"), Default::default(), dezky::COLLECTIONS)?),
    };
    let platform = Platform::open(PlatformOptions::new(Arc::clone(&store)))?;
    let service = platform.service();
    let few = tenant(service, "few").await?;
    let large = tenant(service, "many").await?;
    while seal_waiting(service).await? > 0 {}
    fill(&store, few, FEW).await?;
    let start = Instant::now();
    fill(&store, large, many).await?;
    println!("{many} sealed events written in {:.0} s", start.elapsed().as_secs_f64());
    let (mut small, mut big, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (one, other) = (page(service, few).await?, page(service, large).await?);
        small.push(one);
        big.push(other);
        ratios.push(other / one);
    }
    println!("a page among {FEW:>9} events      {:>9.1} µs", median(small));
    println!("a page among {many:>9} events      {:>9.1} µs", median(big));
    println!("ratio                           {:>9.2}", median(ratios));
    let mut rates = Vec::new();
    for _ in 0..3 {
        let start = Instant::now();
        let verified = verify(service, Some(large)).await?;
        if let Some(found) = verified.finding {
            return Err(format!("the trail is not as it was sealed: {found:?}").into());
        }
        rates.push(verified.events as f64 / start.elapsed().as_secs_f64());
    }
    println!("verification                    {:>9.0} events a second", median(rates));
    Ok(())
}

async fn tenant(service: &Service, slug: &str) -> Result<TenantId, Failure> {
    let input = CreateTenant::read(json!({"slug": slug, "name": slug, "status": "active"}))?;
    Ok(service.create_tenant(&Call::by_system("bench"), input).await?.value.id)
}

/// Reads the first page of a trail. Returns the microseconds that it took.
async fn page(service: &Service, tenant: TenantId) -> Result<f64, Failure> {
    let filter = AuditFilter { tenant: Some(tenant.into()), ..AuditFilter::default() };
    let start = Instant::now();
    let page = service.list_audit(&Call::by_system("bench"), &filter, &ListRequest::default()).await?;
    let elapsed = start.elapsed().as_secs_f64() * 1e6;
    if page.items.len() < 50 { Err("the page is not full".into()) } else { Ok(elapsed) }
}

/// Writes sealed events as the sealer does, without the queue before it.
async fn fill(store: &SharedStore, tenant: TenantId, count: usize) -> Result<(), Failure> {
    let call = Call::by_system("bench");
    let (mut chain, mut stored) = {
        let found = store.get(&call.context, &dezky::domain::trail::AUDIT_CHAINS, tenant.0).await?;
        let chain: AuditChain = found.ok_or("there is no chain")?.decode(&dezky::domain::trail::AUDIT_CHAINS)?;
        let version = chain.version;
        (chain, version)
    };
    let mut left = count.saturating_sub(1);
    while left > 0 {
        let now = SystemClock.now();
        let mut commit = Commit::new();
        for _ in 0..left.min(BATCH) {
            let seq = chain.seq + 1;
            let mut event = event(tenant, now);
            let hash = seal::of_event(&event, chain.id.0, seq, &chain.hash);
            event.chain = Some(chain.id.0);
            event.seq = Some(seq);
            event.hash = Some(hash.clone());
            chain.seq = seq;
            chain.hash = hash;
            commit.insert(&event)?;
        }
        left = left.saturating_sub(BATCH);
        chain.version = stored + 1;
        commit.update(&chain, stored)?;
        stored = chain.version;
        store.commit(&Call::by_system("bench").context, &commit).await?;
    }
    Ok(())
}

fn event(tenant: TenantId, now: dezky::clock::Timestamp) -> AuditEvent {
    AuditEvent {
        id: AuditEventId::generate(),
        version: 2,
        at: now,
        actor: AuditActor::part(SystemActor::Seed),
        action: "tenant.update".to_owned(),
        resource: AuditResource { resource_type: "tenant".to_owned(), id: tenant.0 },
        tenant_id: Some(tenant),
        user_id: None,
        request_id: ObjectId::generate().to_string(),
        client_request_id: None,
        changed_fields: vec!["branding".to_owned(), "domains".to_owned()],
        removed: None,
        checkpoint: None,
        details_digest: None,
        seq: None,
        hash: None,
        chain: None,
        unsealed: None,
    }
}
