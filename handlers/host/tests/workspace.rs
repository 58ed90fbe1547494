//! Tests that workers killed by `kill -9` at random points, while systems fail a fifth of all calls, leave one of everything.
//!
//! `DEZKY_TEST_WORKSPACE_TENANTS` sets the number of tenants (default: 10), each with `DEZKY_TEST_WORKSPACE_MEMBERS` members (default: 2), and
//! `DEZKY_TEST_WORKSPACE_KILLS` how often a worker is killed (default: 6).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::print_stderr, reason = "says what was measured")]

mod support;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use dezky::{
    clock::{Clock as _, SystemClock},
    connectors::Secret,
    domain::{
        CreateMailbox, CreateTenant, CreateUser, GrantMembership, MembershipRole, Tenant, TenantId, TenantStatus,
        workspace::{Phase, SYSTEM_STATES, SystemKind, SystemState},
    },
    emulators::{
        Emulator, EmulatorOptions, Faults,
        authentik::{AuthentikSystem, Kind},
        ocis::OcisSystem,
        stalwart::StalwartSystem,
    },
    service::{Call, Service, ServiceSettings, audit::AuditFilter},
    store::{Position, Query, Repository as _, SharedStore, sqlite::SqliteStore},
};
use serde_json::json;

use support::{Process, dezky, request};

const SECRET: &str = "a-secret-of-tests";
/// Number of workers at a time.
const WORKERS: usize = 2;
fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn basic() -> Secret {
    Secret::Basic { user: "dezky".to_owned(), password: SECRET.to_owned() }
}

struct Estate {
    service: Service,
    authentik: Emulator<AuthentikSystem>,
    stalwart: Emulator<StalwartSystem>,
    ocis: Emulator<OcisSystem>,
}

fn system() -> Call {
    Call::by_system("test")
}

impl Estate {
    async fn start(folder: &Path) -> Self {
        let store: SharedStore =
            Arc::new(SqliteStore::open(folder.join("dezky.sqlite"), Default::default(), dezky::COLLECTIONS).unwrap());
        let systems = vec![SystemKind::Identity, SystemKind::Mail, SystemKind::Files];
        let settings = ServiceSettings { systems, ..ServiceSettings::default() };
        let faults =
            |seed| EmulatorOptions { faults: Faults { share: 0.2, seed, ..Faults::default() }, ..Default::default() };
        Self {
            service: Service::new(store, Arc::new(SystemClock), settings),
            authentik: Emulator::start(AuthentikSystem::new(SECRET), faults(1)).await.unwrap(),
            stalwart: Emulator::start(StalwartSystem::new(basic()), faults(2)).await.unwrap(),
            ocis: Emulator::start(OcisSystem::new(&basic()), faults(3)).await.unwrap(),
        }
    }

    fn worker(&self, folder: &Path) -> Process {
        let process = Process::start(self.command(folder));
        process.line("working");
        process
    }

    fn command(&self, folder: &Path) -> std::process::Command {
        let mut command = dezky(folder);
        command
            .arg("worker")
            .env("DEZKY_STORE", "sqlite:dezky.sqlite")
            .env("DEZKY_OIDC_ISSUER", "http://127.0.0.1:9/")
            .env("DEZKY_OIDC_AUDIENCE", "dezky")
            .env("DEZKY_LOG", "warn,dezky::commands=info,dezky::running=info");
        for (name, url) in
            [("AUTHENTIK", self.authentik.url()), ("STALWART", self.stalwart.url()), ("OCIS", self.ocis.url())]
        {
            command.env(format!("DEZKY_{name}_URL"), url).env(format!("DEZKY_{name}_SECRET"), SECRET);
            if name != "AUTHENTIK" {
                command.env(format!("DEZKY_{name}_USER"), "dezky");
            }
        }
        command
    }

    fn requests(&self) -> u64 {
        self.authentik.requests() + self.stalwart.requests() + self.ocis.requests()
    }

    /// Waits until the systems were asked this often.
    async fn until_asked(&self, requests: u64) {
        let end = Instant::now() + Duration::from_secs(120);
        while self.requests() < requests {
            assert!(Instant::now() < end, "the workers do nothing");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn create(&self, number: usize, members: usize) -> TenantId {
        let (slug, domain) = (format!("acme-{number}"), format!("acme-{number}.eu"));
        let body = json!({
            "slug": slug, "name": format!("Acme {number} GmbH"), "domains": [&domain],
            "domainVerifications": [{"name": &domain, "verifiedAt": SystemClock.now()}],
        });
        let service = &self.service;
        let tenant = service.create_tenant(&system(), CreateTenant::read(body).unwrap()).await.unwrap().value.id;
        for member in 0..members {
            let known = self.authentik.system().add_person(&format!("person-{number}-{member}"));
            let body = json!({"authentikSubjectId": known.uuid, "name": format!("Person {member}")});
            let user = service.create_user(&system(), CreateUser::read(body).unwrap()).await.unwrap().value.id;
            let grant = GrantMembership { user_id: user, role: MembershipRole::Member };
            service.grant_membership(&system(), &tenant.into(), grant).await.unwrap();
            let body = json!({"userId": user, "localPart": format!("person-{member}"), "domain": &domain});
            service.create_mailbox(&system(), &tenant.into(), CreateMailbox::read(body).unwrap()).await.unwrap();
        }
        tenant
    }

    async fn states(&self) -> Vec<SystemState> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let query = Query::new(&SYSTEM_STATES).after(after).limit(1_000);
            let page: Vec<SystemState> = self.service.store().load_all(&system().context, &query).await.unwrap();
            let Some(last) = page.last() else { return all };
            after = Some(Position { values: Vec::new(), id: last.id.0 });
            all.extend(page);
        }
    }

    /// Returns the tenants that are not active yet. Each follows the event of its last system, a moment later.
    async fn pending(&self, tenants: &[TenantId]) -> Vec<String> {
        let mut pending = Vec::new();
        for tenant in tenants {
            let stored: Tenant = self.service.store().load(&system().context, *tenant).await.unwrap().unwrap();
            if stored.status != TenantStatus::Active {
                pending.push(stored.slug);
            }
        }
        pending
    }

    /// Waits until every state is ready and every tenant active, while a fifth of all calls goes on failing.
    async fn until_ready(&self, states: usize, tenants: &[TenantId], longest: Duration) {
        let end = Instant::now() + longest;
        loop {
            let all = self.states().await;
            let open: Vec<&SystemState> = all
                .iter()
                .filter(|state| state.phase != Phase::Ready || state.reached_generation != state.wanted_generation)
                .collect();
            let settled = open.is_empty() && all.len() >= states;
            let pending = if settled { self.pending(tenants).await } else { Vec::new() };
            if settled && pending.is_empty() {
                return;
            }
            assert!(
                Instant::now() < end,
                "{pending:?} are not active; {} of {} (wanted {states}) are not ready: {:#?}",
                open.len(),
                all.len(),
                open.first()
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_workers_and_failing_systems_leave_one_of_everything() {
    let (tenants, members) = (number("DEZKY_TEST_WORKSPACE_TENANTS", 10), number("DEZKY_TEST_WORKSPACE_MEMBERS", 2));
    let kills = number("DEZKY_TEST_WORKSPACE_KILLS", 6);
    let folder = tempfile::tempdir().unwrap();
    let estate = Estate::start(folder.path()).await;
    let start = Instant::now();
    let mut workers: Vec<Process> = (0..WORKERS).map(|_| estate.worker(folder.path())).collect();
    let mut made = Vec::new();
    for kill in 0..kills {
        while made.len() < tenants * (kill + 1) / kills {
            made.push(estate.create(made.len(), members).await);
        }
        // Somewhere in the midst of it, at another place each time.
        estate.until_asked(estate.requests() + 7 + u64::try_from(kill).unwrap() * 5).await;
        let mut killed = workers.remove(0);
        killed.child.kill().unwrap();
        killed.wait();
        workers.push(estate.worker(folder.path()));
    }
    // The platform's own tenant has three systems, too, and no people.
    let states = tenants * (3 + 2 * members) + 3;
    estate.until_ready(states, &made, Duration::from_secs(240 + u64::try_from(tenants).unwrap())).await;
    eprintln!(
        "{tenants} tenants with {members} members each, {kills} workers killed: ready after {:.1} s",
        start.elapsed().as_secs_f64()
    );
    drop(workers);
    let names = |kind| {
        let mut names: BTreeMap<String, usize> = BTreeMap::new();
        for id in estate.authentik.system().ids(kind) {
            let name = estate.authentik.system().fields(kind, &id).unwrap()["name"].as_str().unwrap().to_owned();
            *names.entry(name).or_default() += 1;
        }
        names
    };
    let groups = names(Kind::Group);
    let domains = estate.stalwart.system().domains();
    let mailboxes = estate.stalwart.system().accounts();
    let spaces = estate.ocis.system().spaces();
    for (number, tenant) in made.iter().enumerate() {
        let stored: Tenant = estate.service.store().load(&system().context, *tenant).await.unwrap().unwrap();
        assert_eq!(stored.status, TenantStatus::Active, "{}", stored.slug);
        assert_eq!(groups.get(&stored.slug), Some(&1), "{}", stored.slug);
        let marker = format!("dezky:tenant:{tenant}");
        let marked: Vec<_> = spaces.iter().filter(|space| space.description.as_deref() == Some(&marker)).collect();
        assert_eq!(marked.len(), 1, "{}: {marked:?}", stored.slug);
        assert_eq!(stored.ocis_space_id.as_ref(), Some(&marked[0].id));
        let domain = format!("acme-{number}.eu");
        assert_eq!(domains.iter().filter(|one| one.name == domain && one.enabled).count(), 1, "{domain}");
        for member in 0..members {
            let address = format!("person-{member}@{domain}");
            assert_eq!(mailboxes.iter().filter(|one| one.address == address).count(), 1, "{address}");
        }
        // The trail tells its story.
        let filter = AuditFilter {
            tenant: Some((*tenant).into()),
            action: Some("workspace.reconcile".to_owned()),
            ..AuditFilter::default()
        };
        let told = estate.service.list_audit(&system(), &filter, &Default::default()).await.unwrap().items;
        let ready = told.iter().filter(|event| event.changed_fields.iter().any(|one| one == "ready")).count();
        assert_eq!(ready, 3 + 2 * members, "{}: {told:?}", stored.slug);
    }
    assert_eq!(mailboxes.len(), tenants * members);
}

/// Returns the value of a line of metrics.
fn metric(text: &str, name: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no `{name}` in {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_tells_what_it_asks_of_systems() {
    let folder = tempfile::tempdir().unwrap();
    let estate = Estate::start(folder.path()).await;
    estate.authentik.set_faults(Faults::default());
    estate.ocis.set_faults(Faults::default());
    estate.stalwart.set_faults(Faults { share: 1.0, seed: 5, ..Faults::default() });
    let mut command = estate.command(folder.path());
    command.env("DEZKY_OPERATIONS_LISTEN", "127.0.0.1:0").env("DEZKY_LOG", "info");
    let mut process = Process::start(command);
    let operations = support::address(&process.line("metrics and details of readiness are told address="));
    process.line("working");
    estate.create(0, 1).await;
    estate.until_asked(20).await;
    // The system that fails opens its breaker; the others go on.
    process.line("is asked less often until it does");
    assert_eq!(request(&operations, "GET", "/healthz", None).0, 200);
    let (status, text) = request(&operations, "GET", "/metrics", None);
    assert_eq!(status, 200);
    let requests = |system, outcome| {
        metric(&text, &format!("dezky_system_requests_total{{system=\"{system}\",outcome=\"{outcome}\"}}"))
    };
    assert!(requests("identity", "answered") > 0.0 && requests("files", "answered") > 0.0, "{text}");
    assert!(requests("mail", "failed") + requests("mail", "refused") >= 5.0, "{text}");
    assert!(requests("identity", "failed") == 0.0, "{text}");
    assert!(metric(&text, "dezky_system_request_seconds_total{system=\"identity\"}") > 0.0, "{text}");
    assert_eq!(metric(&text, "dezky_system_paused{system=\"mail\"}"), 1.0);
    assert_eq!(metric(&text, "dezky_system_paused{system=\"identity\"}"), 0.0);
    assert!(!text.contains(SECRET));
    let (_, report) = request(&operations, "GET", "/readyz", None);
    assert!(report.contains("\"issuers\":[]"), "it verifies no tokens: {report}");
    process.terminate();
    assert_eq!(process.wait().code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_follows_a_tenant_until_it_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let estate = Estate::start(folder.path()).await;
    estate.authentik.set_faults(Faults::default());
    estate.stalwart.set_faults(Faults::default());
    estate.ocis.set_faults(Faults::default());
    estate.create(0, 1).await;
    let follow = |options: &[&str]| {
        let mut follow = dezky(folder.path());
        follow.env("DEZKY_STORE", "sqlite:dezky.sqlite");
        follow.args(["workspace", "show", "acme-0", "--follow"]).args(options);
        tokio::task::spawn_blocking(move || follow.output().unwrap())
    };
    let (people, programs) = (follow(&[]), follow(&["--json"]));
    let _worker = estate.worker(folder.path());
    let people = people.await.unwrap();
    let text = String::from_utf8(people.stdout).unwrap();
    assert!(people.status.success(), "{text} {}", String::from_utf8_lossy(&people.stderr));
    for line in ["identity ready", "mail ready", "files ready"] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
    let programs = programs.await.unwrap();
    let last = String::from_utf8(programs.stdout).unwrap();
    let last: serde_json::Value = serde_json::from_str(last.lines().last().unwrap()).unwrap();
    assert_eq!(last["ready"], true);
}
