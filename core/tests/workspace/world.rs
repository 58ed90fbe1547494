//! A platform with emulated systems, on a clock that tests move.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use dezky::{
    clock::{Clock as _, Timestamp},
    connectors::{ConnectorSettings, Secret, authentik::Authentik, ocis::OcisFiles, stalwart::Stalwart},
    domain::{
        CreateMailbox, CreateTenant, GrantMembership, Issuer, MailboxView, Membership, MembershipRole, Tenant,
        TenantId, TenantStatus, UpdateTenant, UserId,
        workspace::{Phase, STATES_OF_TENANT, SYSTEM_STATES, SystemKind, SystemState},
    },
    emulators::{
        Emulator, EmulatorOptions, Faults,
        authentik::{AuthentikSystem, EmulatedPerson, Kind},
        ocis::{OcisSystem, SpaceRecord},
        stalwart::StalwartSystem,
    },
    outbound::Url,
    service::{Service, ServiceSettings},
    store::{Query, Repository as _, SharedStore},
    test_kit::ManualClock,
    work::catch_up,
    workspace::{Drift, Systems, Worker, WorkspaceSettings},
};
use serde_json::json;

use crate::{
    records::Zone,
    support::{person, system},
};

pub(crate) const SECRET: &str = "a-secret-of-tests";
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) service: Arc<Service>,
    pub(crate) worker: Arc<Worker>,
    pub(crate) authentik: Emulator<AuthentikSystem>,
    pub(crate) stalwart: Emulator<StalwartSystem>,
    pub(crate) ocis: Emulator<OcisSystem>,
    pub(crate) zone: Arc<Zone>,
}

fn basic() -> Secret {
    Secret::Basic { user: "dezky".to_owned(), password: SECRET.to_owned() }
}

fn settings(url: &str, secret: Secret) -> ConnectorSettings {
    let mut settings = ConnectorSettings::new(Url::parse(url).unwrap(), secret);
    settings.timeout = Duration::from_secs(5);
    settings
}

impl World {
    pub(crate) async fn on(store: SharedStore) -> Self {
        Self::with(store, Drift::Repair).await
    }

    /// Creates a platform that has meetings and chat, too.
    pub(crate) async fn with_by_hand(store: SharedStore) -> Self {
        let by_hand = BTreeMap::from([
            (SystemKind::Meetings, "https://meet.example.eu/{slug}".to_owned()),
            (SystemKind::Chat, "https://{slug}.chat.example.eu".to_owned()),
        ]);
        Self::build(store, Drift::Repair, by_hand).await
    }

    pub(crate) async fn with(store: SharedStore, drift: Drift) -> Self {
        Self::build(store, drift, BTreeMap::new()).await
    }

    async fn build(store: SharedStore, drift: Drift, by_hand: BTreeMap<SystemKind, String>) -> Self {
        let clock = Arc::new(ManualClock::at_now());
        let options = || EmulatorOptions { clock: clock.clone(), ..EmulatorOptions::default() };
        let authentik = Emulator::start(AuthentikSystem::new(SECRET), options()).await.unwrap();
        let stalwart = Emulator::start(StalwartSystem::new(basic()), options()).await.unwrap();
        let ocis = Emulator::start(OcisSystem::new(&basic()), options()).await.unwrap();
        let mut systems = vec![SystemKind::Identity, SystemKind::Mail, SystemKind::Files];
        systems.extend(by_hand.keys());
        let settings = ServiceSettings { systems, system_urls: by_hand, ..ServiceSettings::default() };
        let service = |mail| Arc::new(Service::new(store.clone(), clock.clone(), settings.clone()).with_mail(mail));
        let (service, with_mail) = (service(None), service);
        let mut world = Self {
            clock: clock.clone(),
            service,
            worker: Arc::new(none()),
            authentik,
            stalwart,
            ocis,
            zone: Arc::default(),
        };
        world.worker = world.another_worker(drift);
        world.service = with_mail(world.worker.mail_passwords());
        world
    }

    /// Creates a worker as a process of its own has it.
    pub(crate) fn another_worker(&self, drift: Drift) -> Arc<Worker> {
        let identity = Authentik::new(&settings(&self.authentik.url(), Secret::Bearer(SECRET.to_owned()))).unwrap();
        let systems = Systems {
            identity: Some(Arc::new(identity)),
            mail: Some(Arc::new(Stalwart::new(&settings(&self.stalwart.url(), basic())).unwrap())),
            files: Some(Arc::new(OcisFiles::new(&settings(&self.ocis.url(), basic())).unwrap())),
            dns: Some(self.zone.clone()),
            by_hand: self.service.settings().system_urls.clone(),
            drift,
        };
        let settings =
            WorkspaceSettings { public_domain: Some("example.eu".to_owned()), ..WorkspaceSettings::default() };
        Arc::new(Worker::new(systems, settings))
    }

    /// Switches the login of a tenant's own on or off.
    pub(crate) async fn switch_login(&self, tenant: TenantId, on: bool) {
        let change = UpdateTenant::read(json!({"isolatedLogin": on})).unwrap();
        self.service.update_tenant(&system(), &tenant.into(), change).await.unwrap();
    }

    /// Returns the stored issuer of a tenant.
    pub(crate) async fn issuer(&self, tenant: TenantId) -> Option<Issuer> {
        self.store().load_unique(&system().context, Issuer::tenant_key(tenant)).await.unwrap()
    }

    /// Returns the number of parts that logins consist of: providers, applications, bindings, and brands but the default one.
    pub(crate) fn login_parts(&self) -> [usize; 4] {
        let count = |kind| self.authentik.system().ids(kind).len();
        [count(Kind::Provider), count(Kind::Application), count(Kind::Binding), count(Kind::Brand) - 1]
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn store(&self) -> &SharedStore {
        self.service.store()
    }

    /// Sets the same faults in all systems.
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.authentik.set_faults(faults);
        self.stalwart.set_faults(Faults { seed: faults.seed.wrapping_add(1), ..faults });
        self.ocis.set_faults(Faults { seed: faults.seed.wrapping_add(2), ..faults });
    }

    /// Creates a pending tenant with a verified domain.
    pub(crate) async fn tenant(&self, slug: &str) -> TenantId {
        let domain = format!("{slug}.eu");
        let body = json!({
            "slug": slug, "name": format!("{slug} GmbH & Co. KG"), "domains": [&domain],
            "domainVerifications": [{"name": &domain, "verifiedAt": self.clock.now()}],
        });
        self.service.create_tenant(&system(), CreateTenant::read(body).unwrap()).await.unwrap().value.id
    }

    /// Creates a member whom the identity system knows, with a mailbox.
    pub(crate) async fn member(&self, tenant: TenantId, name: &str) -> (UserId, EmulatedPerson, MailboxView) {
        let known = self.authentik.system().add_person(name);
        let user = person(&self.service, &known.uuid).await;
        let grant = GrantMembership { user_id: user, role: MembershipRole::Member };
        self.service.grant_membership(&system(), &tenant.into(), grant).await.unwrap();
        (user, known, self.mailbox(tenant, user, name).await)
    }

    pub(crate) async fn mailbox(&self, tenant: TenantId, user: UserId, name: &str) -> MailboxView {
        let domain = &self.load(tenant).await.domain_verifications[0].name;
        let body = json!({"userId": user, "localPart": name, "domain": domain});
        let input = CreateMailbox::read(body).unwrap();
        self.service.create_mailbox(&system(), &tenant.into(), input).await.unwrap().value
    }

    pub(crate) async fn load(&self, tenant: TenantId) -> Tenant {
        self.store().load(&system().context, tenant).await.unwrap().unwrap()
    }

    pub(crate) async fn membership(&self, tenant: TenantId, user: UserId) -> Option<Membership> {
        self.store().load_unique(&system().context, Membership::key(tenant, user)).await.unwrap()
    }

    /// Returns all states of a tenant.
    pub(crate) async fn states(&self, tenant: TenantId) -> Vec<SystemState> {
        let query = Query::new(&SYSTEM_STATES).sort(&STATES_OF_TENANT).equal("tenantId", tenant.0).limit(1_000);
        self.store().load_all(&system().context, &query).await.unwrap()
    }

    pub(crate) async fn state(&self, tenant: TenantId, system: SystemKind) -> SystemState {
        let states = self.states(tenant).await;
        states.into_iter().find(|state| state.system == system && state.subject.is_none()).unwrap()
    }

    /// Works through events and states that are due now.
    pub(crate) async fn work(&self) -> usize {
        let events = catch_up(&self.service).await.unwrap();
        events + self.worker.run_due(&self.service).await.unwrap()
    }

    /// Works on, and moves the clock to whatever is due next within a quarter of an hour, until nothing is.
    pub(crate) async fn settle(&self) {
        const SOON: Duration = Duration::from_secs(16 * 60);
        for _ in 0..400 {
            if self.work().await > 0 {
                continue;
            }
            match self.worker.next_due(&self.service).await.unwrap() {
                Some(wait) if wait <= SOON => self.clock.advance(wait.max(Duration::from_millis(1))),
                _ => return,
            }
        }
        let query = Query::new(&SYSTEM_STATES).limit(100);
        let mut states: Vec<SystemState> = self.store().load_all(&system().context, &query).await.unwrap();
        let soon = self.clock.now().plus(SOON);
        states.retain(|state| state.next_attempt_at <= soon);
        panic!("the systems do not settle: {states:#?}");
    }

    /// Asserts that a tenant is active with all of its systems ready.
    pub(crate) async fn assert_ready(&self, tenant: TenantId) {
        for state in self.states(tenant).await {
            assert_eq!(state.phase, Phase::Ready, "{state:#?}");
            assert_eq!(state.reached_generation, state.wanted_generation, "{state:#?}");
            assert!(state.lease_owner.is_none(), "{state:#?}");
        }
        let tenant = self.load(tenant).await;
        assert_eq!(tenant.status, TenantStatus::Active);
        assert!(tenant.authentik_group.is_some() && tenant.ocis_space_id.is_some());
    }

    pub(crate) fn groups(&self) -> Vec<(String, String)> {
        let system = self.authentik.system();
        let groups = system.ids(Kind::Group).into_iter();
        groups.map(|id| (system.fields(Kind::Group, &id).unwrap()["name"].as_str().unwrap().to_owned(), id)).collect()
    }

    /// Returns the members of the only group of a name.
    pub(crate) fn members(&self, name: &str) -> BTreeSet<i64> {
        let groups = self.groups();
        let of_name: Vec<_> = groups.iter().filter(|(one, _)| one == name).collect();
        assert_eq!(of_name.len(), 1, "{groups:?}");
        self.authentik.system().members(&of_name[0].1)
    }

    pub(crate) fn domains(&self) -> Vec<(String, bool)> {
        let mut domains: Vec<_> =
            self.stalwart.system().domains().into_iter().map(|domain| (domain.name, domain.enabled)).collect();
        domains.sort();
        domains
    }

    pub(crate) fn mailboxes(&self) -> Vec<String> {
        let mut addresses: Vec<_> =
            self.stalwart.system().accounts().into_iter().map(|account| account.address).collect();
        addresses.sort();
        addresses
    }

    /// Returns the spaces of a tenant, by its marker.
    pub(crate) fn spaces(&self, tenant: TenantId) -> Vec<SpaceRecord> {
        let marker = format!("dezky:tenant:{tenant}");
        let spaces = self.ocis.system().spaces().into_iter();
        spaces.filter(|space| space.description.as_deref() == Some(marker.as_str())).collect()
    }
}

fn none() -> Worker {
    Worker::new(Systems::default(), WorkspaceSettings::default())
}
