//! Measures events out on SQLite: from a commit to the stream, and webhooks of which one receiver hangs.
//!
//! `events FOLDER [RATE] [SECONDS]` creates stores in a new folder inside of FOLDER. Events come at RATE a second, ten a commit, as
//! a change of a group writes them; and as fast as tenants can be changed, one a commit.
#![allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "the figures are what the program is for")]

use std::{
    collections::{BTreeMap, VecDeque},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::Router;
use dezky::{
    Platform, PlatformOptions,
    clock::{Clock as _, SystemClock},
    context::RequestContext,
    domain::{
        AuditResource, CreateApiKey, CreateEventEndpoint, CreateTenant, OutboxEvent, OutboxEventId, TenantId,
        UpdateTenant,
    },
    http::{HttpState, router},
    outbound::{AllowedAddresses, OutboundOptions, PlainHttp, Url},
    platform::Acting,
    store::{Commit, SharedStore, sqlite::SqliteStore},
    work::{Driver, Reached, StoreChanges, Task, TaskChoice, Webhooks},
};
use dezky_benches::{Failure, serve};
use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::{net::TcpListener, time::sleep_until};

const TENANTS: usize = 1_000;
const WRITERS: usize = 512;
const ENDPOINTS: usize = 10;
const EVENTS_OF_COMMIT: usize = 10;

/// Commits of each tenant whose events have not arrived, in their order.
#[derive(Default)]
struct Committed(Mutex<BTreeMap<String, Pending>>);

#[derive(Default)]
struct Pending {
    commits: VecDeque<Instant>,
    /// Number of events that were here before their writer noted the commit.
    early: usize,
}

impl Committed {
    fn note(&self, tenant: TenantId, at: Instant) {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = pending.entry(tenant.to_string()).or_default();
        match pending.early {
            0 => pending.commits.push_back(at),
            early => pending.early = early - 1,
        }
    }

    fn take(&self, tenant: &str) -> Option<Instant> {
        let mut pending = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pending = pending.entry(tenant.to_owned()).or_default();
        let at = pending.commits.pop_front();
        pending.early += usize::from(at.is_none());
        at
    }
}

/// A platform with its tasks, over HTTP, on a store of its own.
struct World {
    acting: Acting,
    store: SharedStore,
    base: String,
    tenants: Vec<TenantId>,
    _driver: Driver,
}

impl World {
    async fn in_file(path: &Path) -> Result<Self, Failure> {
        let store: SharedStore = Arc::new(SqliteStore::open(path, Default::default(), dezky::COLLECTIONS)?);
        let platform = Platform::open(PlatformOptions::new(Arc::clone(&store)))?;
        let acting = platform.as_system("bench")?;
        let made = stream::iter(0..TENANTS).map(|number| {
            let acting = acting.clone();
            async move { acting.tenants().create(CreateTenant::build(format!("t-{number}"), "Acme").finish()?).await }
        });
        let made: Vec<_> = made.buffer_unordered(WRITERS).collect().await;
        let tenants = made.into_iter().map(|tenant| Ok(tenant?.id)).collect::<Result<_, Failure>>()?;
        let mut state = HttpState::new(Arc::clone(platform.service()), platform.identity());
        state.live = Some(StoreChanges::of(Arc::clone(&store)));
        let base = listen(router(state)).await?;
        let local = OutboundOptions {
            addresses: AllowedAddresses::LOOPBACK,
            plain_http: PlainHttp::OnLoopback,
            ..OutboundOptions::default()
        };
        let reached = Reached { webhooks: Some(Arc::new(Webhooks::new(local))), ..Reached::default() };
        let tasks = TaskChoice::All.tasks(Default::default(), reached).into_iter();
        let tasks = tasks.filter(|task| task.name != Task::FIRST_TENANT).collect();
        Ok(Self { acting, store, base, tenants, _driver: Driver::start(platform.service(), tasks) })
    }

    /// Changes tenants so often a second, and tells of each commit. Returns how many there were in a second.
    async fn change(&self, rate: usize, count: usize, tell: impl Fn(TenantId) + Sync) -> Result<f64, Failure> {
        let tell = &tell;
        paced(rate, count, |number| async move {
            let tenant = self.tenant(number)?;
            let input = UpdateTenant::read(json!({ "name": format!("Acme {number}") }))?;
            self.acting.tenants().update(&tenant.into(), input).await?;
            tell(tenant);
            Ok(())
        })
        .await
    }

    /// Commits so many events a second, and tells of each. Returns how many there were in a second.
    async fn commit(&self, rate: usize, count: usize, tell: impl Fn(TenantId) + Sync) -> Result<f64, Failure> {
        let (tell, context) = (&tell, &RequestContext::system("bench"));
        let commits = paced(rate / EVENTS_OF_COMMIT, count / EVENTS_OF_COMMIT, |number| async move {
            let first = number * EVENTS_OF_COMMIT;
            let tenants = (first..first + EVENTS_OF_COMMIT).map(|number| self.tenant(number));
            let tenants = tenants.collect::<Result<Vec<_>, _>>()?;
            let mut commit = Commit::new();
            for tenant in &tenants {
                commit.insert(&event_of(*tenant))?;
            }
            self.store.commit(context, &commit).await?;
            tenants.into_iter().for_each(tell);
            Ok(())
        });
        Ok(commits.await? * EVENTS_OF_COMMIT as f64)
    }

    fn tenant(&self, number: usize) -> Result<TenantId, Failure> {
        Ok(self.tenants.get(number % TENANTS).copied().ok_or("there are tenants")?)
    }
}

/// Creates the event of a change of a tenant.
fn event_of(tenant: TenantId) -> OutboxEvent {
    OutboxEvent {
        id: OutboxEventId::generate(),
        version: 1,
        action: "tenant.update".to_owned(),
        tenant_id: Some(tenant),
        user_id: None,
        resource: Some(AuditResource { resource_type: "tenant".to_owned(), id: tenant.0 }),
        changed_fields: vec!["branding".to_owned()],
        created_at: SystemClock.now(),
    }
}

/// Works so often a second, if it is fast enough. Returns how often it did.
async fn paced<W>(rate: usize, count: usize, work: impl Fn(usize) -> W) -> Result<f64, Failure>
where
    W: Future<Output = Result<(), Failure>>,
{
    let begun = tokio::time::Instant::now();
    let work = &work;
    let due = |number: usize| begun + Duration::from_secs_f64(number as f64 / rate as f64);
    let mut working = stream::iter(0..count)
        .map(|number| async move {
            sleep_until(due(number)).await;
            work(number).await
        })
        .buffer_unordered(WRITERS);
    while let Some(done) = working.next().await {
        done?;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}

async fn listen(router: Router) -> Result<String, Failure> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let base = format!("http://{}", listener.local_addr()?);
    tokio::spawn(serve(listener, router));
    Ok(base)
}

/// Reads the stream until so many events have come. Returns the time from each commit to its event.
async fn follow(world: &World, key: &str, committed: &Committed, count: usize) -> Result<Vec<Duration>, Failure> {
    let request = reqwest::Client::new().get(format!("{}/events", world.base)).bearer_auth(key);
    let request = request.header("accept", "text/event-stream");
    let mut response = request.send().await?.error_for_status()?;
    let (mut text, mut times) = (Vec::new(), Vec::with_capacity(count));
    while times.len() < count {
        text.extend_from_slice(&response.chunk().await?.ok_or("the stream ended")?);
        let Some(end) = text.windows(2).rposition(|pair| pair == b"\n\n") else { continue };
        let now = Instant::now();
        for line in text.drain(..end + 2).collect::<Vec<u8>>().split(|byte| *byte == b'\n') {
            let Some(data) = line.strip_prefix(b"data: ") else { continue };
            let event: Value = serde_json::from_slice(data)?;
            let tenant = event.get("tenantId").and_then(Value::as_str).ok_or("an event has a tenant")?;
            // The event may be here before its writer notes the commit.
            times.push(committed.take(tenant).map_or(Duration::ZERO, |at| now.saturating_duration_since(at)));
        }
    }
    Ok(times)
}

/// Measures the time from commits to the stream.
async fn streamed(path: &Path, of_changes: bool, rate: usize, seconds: usize) -> Result<(), Failure> {
    let world = World::in_file(path).await?;
    let key = CreateApiKey::read(json!({ "name": "bench", "scopes": ["audit.read_platform"] }))?;
    let key = world.acting.api_keys().create(key).await?.secret.ok_or("a new key has no secret")?.0;
    // The tasks deal with the tenants first.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let rate = (rate / EVENTS_OF_COMMIT).max(1) * EVENTS_OF_COMMIT;
    let (committed, count) = (Committed::default(), rate * seconds);
    let begun = Instant::now();
    let changes = async {
        // The stream begins at the end of the log.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let tell = |tenant| committed.note(tenant, Instant::now());
        if of_changes { world.change(rate, count, tell).await } else { world.commit(rate, count, tell).await }
    };
    let (written, times) = tokio::try_join!(changes, follow(&world, &key, &committed, count))?;
    let streamed = count as f64 / (begun.elapsed().as_secs_f64() - 0.5);
    let mut times: Vec<f64> = times.into_iter().map(|time| time.as_secs_f64() * 1e3).collect();
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times.get((times.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN);
    println!(
        "{count} events{}: {written:.0}/s committed, {streamed:.0}/s in the stream, {:.1} ms after their commit in the median, {:.1} ms p99, {:.1} ms at most",
        if of_changes { " of changed tenants" } else { "" },
        at(0.5),
        at(0.99),
        times.last().copied().unwrap_or(f64::NAN)
    );
    Ok(())
}

/// Measures webhooks to receivers of which one never answers.
async fn delivered(path: &Path, rate: usize, seconds: usize) -> Result<(), Failure> {
    let world = World::in_file(path).await?;
    let arrived = Arc::new(AtomicUsize::new(0));
    for number in 0..ENDPOINTS {
        let arrived = Arc::clone(&arrived);
        let base = listen(Router::new().fallback(move || {
            let arrived = Arc::clone(&arrived);
            async move {
                if number == 0 {
                    std::future::pending::<()>().await;
                }
                arrived.fetch_add(1, Ordering::Relaxed);
            }
        }))
        .await?;
        let url = Url::parse(&base)?;
        let body = json!({ "url": url.as_str(), "types": ["tenant.update"] });
        world.acting.event_endpoints().create(CreateEventEndpoint::read(body)?).await?;
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let (expected, begun) = (rate * seconds * (ENDPOINTS - 1), Instant::now());
    world.change(rate, rate * seconds, |_| {}).await?;
    let changed = begun.elapsed();
    while arrived.load(Ordering::Relaxed) < expected {
        tokio::time::sleep(Duration::from_millis(1)).await;
        if begun.elapsed() > Duration::from_secs(120) {
            return Err("not all webhooks came".into());
        }
    }
    println!(
        "{} webhooks of {} changes in {:.1} s, to {ENDPOINTS} endpoints of which one hangs: {:.0} webhooks/s, the last {:.1} s after the last change",
        arrived.load(Ordering::Relaxed),
        rate * seconds,
        begun.elapsed().as_secs_f64(),
        arrived.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64(),
        (begun.elapsed() - changed).as_secs_f64(),
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let rate = arguments.next().map_or(Ok(10_000), |text| text.parse::<usize>())?;
    let seconds = arguments.next().map_or(Ok(10), |text| text.parse::<usize>())?;
    let folder = tempfile::tempdir_in(parent)?;
    streamed(&folder.path().join("stream.db"), false, rate, seconds).await?;
    streamed(&folder.path().join("changes.db"), true, rate, seconds).await?;
    delivered(&folder.path().join("webhooks.db"), rate / 50, seconds).await
}
