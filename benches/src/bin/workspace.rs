//! Measures how fast workers bring tenants to ready against emulated systems, and what idle workers cost.
//!
//! `workspace FOLDER [TENANTS]`: two workers with stores of their own on one SQLite file, systems with 5 ms latency.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use dezky::{
    Platform, PlatformOptions,
    clock::{Clock as _, SystemClock},
    connectors::{ConnectorSettings, Secret, authentik::Authentik, ocis::OcisFiles, stalwart::Stalwart},
    domain::{CreateTenant, Tenant, TenantStatus, tenant::TENANTS, workspace::SystemKind},
    emulators::{
        Emulator, EmulatorOptions, Faults, authentik::AuthentikSystem, ocis::OcisSystem, stalwart::StalwartSystem,
    },
    outbound::Url,
    service::{Call, Service, ServiceSettings},
    store::{Filter, Query, Repository as _, SharedStore, sqlite::SqliteStore},
    work::{Driver, Reached, Task, TaskChoice},
    workspace::{Systems, Worker, WorkspaceSettings},
};
use dezky_benches::Failure;
use serde_json::json;
use tokio::runtime::Runtime;

const SECRET: &str = "a-secret-of-measurements";

struct Emulators {
    authentik: Emulator<AuthentikSystem>,
    stalwart: Emulator<StalwartSystem>,
    ocis: Emulator<OcisSystem>,
}

impl Emulators {
    fn requests(&self) -> u64 {
        self.authentik.requests() + self.stalwart.requests() + self.ocis.requests()
    }

    fn writes(&self) -> u64 {
        self.authentik.writes() + self.ocis.writes()
    }
}

fn basic() -> Secret {
    Secret::Basic { user: "dezky".to_owned(), password: SECRET.to_owned() }
}

fn settings(url: &str, secret: Secret) -> Result<ConnectorSettings, Failure> {
    Ok(ConnectorSettings::new(Url::parse(url)?, secret))
}

/// Starts a worker with a store of its own, as a process has it.
fn worker(file: &Path, emulators: &Emulators) -> Result<(Arc<Service>, Driver), Failure> {
    let store: SharedStore = Arc::new(SqliteStore::open(file, Default::default(), dezky::COLLECTIONS)?);
    let kinds = vec![SystemKind::Identity, SystemKind::Mail, SystemKind::Files];
    let service = ServiceSettings { systems: kinds, ..ServiceSettings::default() };
    let platform = Platform::open(PlatformOptions::new(store).service(service))?;
    let service = Arc::clone(platform.service());
    let systems = Systems {
        identity: Some(Arc::new(Authentik::new(&settings(
            &emulators.authentik.url(),
            Secret::Bearer(SECRET.to_owned()),
        )?)?)),
        mail: Some(Arc::new(Stalwart::new(&settings(&emulators.stalwart.url(), basic())?)?)),
        files: Some(Arc::new(OcisFiles::new(&settings(&emulators.ocis.url(), basic())?)?)),
        ..Systems::default()
    };
    let worker = Arc::new(Worker::new(systems, WorkspaceSettings::default()));
    let tasks = TaskChoice::All.tasks(Default::default(), Reached { worker: Some(worker), ..Reached::default() });
    let tasks = tasks.into_iter().filter(|task| task.name != Task::FIRST_TENANT).collect();
    let driver = Driver::start(&service, tasks);
    Ok((service, driver))
}

/// Processor time of this process so far.
fn processor_time() -> Result<Duration, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: u64 = [11, 12].iter().filter_map(|at| fields.get(*at)?.parse::<u64>().ok()).sum();
    Ok(Duration::from_millis(ticks * 10))
}

async fn create(service: &Service, number: usize) -> Result<(), Failure> {
    let (slug, domain) = (format!("acme-{number}"), format!("acme-{number}.eu"));
    let body = json!({
        "slug": slug, "name": format!("Acme {number}"), "domains": [&domain],
        "domainVerifications": [{"name": &domain, "verifiedAt": SystemClock.now()}],
    });
    let call = Call::by_part(dezky::context::SystemActor::Provisioning);
    service.create_tenant(&call, CreateTenant::read(body)?).await?;
    Ok(())
}

/// Waits until no tenant is pending.
async fn until_active(service: &Service) -> Result<(), Failure> {
    loop {
        let context = dezky::context::RequestContext::system("bench");
        let pending = Query::new(&TENANTS).filter(Filter::Equal("status", "pending".into())).limit(1);
        let first: Vec<Tenant> = service.store().load_all(&context, &pending).await?;
        if first.iter().all(|tenant| tenant.status != TenantStatus::Pending) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[allow(clippy::print_stdout, clippy::cast_precision_loss, reason = "the figures are what the program is for")]
fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: workspace FOLDER [TENANTS]")?;
    let tenants: usize = arguments.next().map_or(Ok(1_000), |text| text.parse())?;
    let folder = tempfile::tempdir_in(folder)?;
    let file = folder.path().join("dezky.sqlite");
    Runtime::new()?.block_on(async {
        let options = || EmulatorOptions {
            faults: Faults { latency: Duration::from_millis(5), ..Faults::default() },
            ..EmulatorOptions::default()
        };
        let emulators = Emulators {
            authentik: Emulator::start(AuthentikSystem::new(SECRET), options()).await?,
            stalwart: Emulator::start(StalwartSystem::new(basic()), options()).await?,
            ocis: Emulator::start(OcisSystem::new(&basic()), options()).await?,
        };
        let workers = [worker(&file, &emulators)?, worker(&file, &emulators)?];
        let service = &workers[0].0;
        // Warm up: connections, the first system reports.
        create(service, 0).await?;
        until_active(service).await?;
        let (start, asked) = (Instant::now(), emulators.requests());
        for first in (1..=tenants).step_by(16) {
            let batch = (first..(first + 16).min(tenants + 1)).map(|number| create(service, number));
            futures_util::future::try_join_all(batch).await?;
        }
        let created = start.elapsed();
        until_active(service).await?;
        let all = start.elapsed();
        println!(
            "{tenants} tenants created in {:.1} s, ready after {:.1} s: {:.0} tenants/s, {:.1} requests each",
            created.as_secs_f64(),
            all.as_secs_f64(),
            tenants as f64 / all.as_secs_f64(),
            (emulators.requests() - asked) as f64 / tenants as f64,
        );
        // Idle, once the last keys and records are in.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let (before, asked, begun) = (processor_time()?, emulators.requests(), Instant::now());
        tokio::time::sleep(Duration::from_secs(20)).await;
        let busy = processor_time()?.saturating_sub(before);
        println!(
            "idle: {:.2} % of a core for two workers and three emulators, {} requests in 20 s",
            100.0 * busy.as_secs_f64() / begun.elapsed().as_secs_f64(),
            emulators.requests() - asked
        );
        // From the change to the first request.
        let mut waits = Vec::new();
        for number in 0..20 {
            let asked = emulators.requests();
            let begun = Instant::now();
            create(service, tenants + 1 + number).await?;
            while emulators.requests() == asked {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
            waits.push(begun.elapsed());
            until_active(service).await?;
        }
        waits.sort();
        let milliseconds = |at: usize| waits.get(at).map_or(0.0, |wait| wait.as_secs_f64() * 1e3);
        println!(
            "from a new tenant to the first request: median {:.1} ms, longest {:.1} ms",
            milliseconds(waits.len() / 2),
            milliseconds(waits.len() - 1)
        );
        println!("writes to identity and files so far: {}", emulators.writes());
        Ok(())
    })
}
