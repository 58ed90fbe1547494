//! Domains of tenants: proof by DNS, one owner, warnings before a loss, and what frees a name.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use dezky::{
    domain::{
        AddDomain, CreateMailbox, DomainStatus, MembershipRole, Tenant, TenantDomain, TenantDomainView, TenantId,
        UpdateTenant, tenant_domain::TENANT_DOMAINS,
    },
    error::{Code, Error},
    service::{ListRequest, PublicRecords, Service, ServiceSettings, Told},
    store::{Query, Repository as _, SharedStore},
    test_kit::ManualClock,
    work::{catch_up, look_at_domains},
};
use serde_json::json;
use support::{system, tenant};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const SERVERS: [&str; 3] = ["one", "two", "three"];

/// Public DNS of a test: what each of three servers tells.
#[derive(Debug, Default)]
struct Zone(Mutex<BTreeMap<(usize, String, String), Told>>);

impl Zone {
    fn tells(&self, server: usize, kind: &str, name: &str, told: Told) {
        self.0.lock().unwrap().insert((server, kind.to_owned(), name.to_owned()), told);
    }

    /// Has these servers tell a value.
    fn has(&self, servers: &[usize], kind: &str, name: &str, value: &str) {
        servers.iter().for_each(|server| self.tells(*server, kind, name, Told::Values(vec![value.to_owned()])));
    }

    fn loses(&self, name: &str) {
        self.0.lock().unwrap().retain(|(_, _, other), _| other != name);
    }
}

#[async_trait]
impl PublicRecords for Zone {
    async fn ask(&self, kind: &str, name: &str) -> Vec<(String, Told)> {
        let zone = self.0.lock().unwrap();
        let told = |server| zone.get(&(server, kind.to_owned(), name.to_owned())).cloned();
        let answer =
            |(place, server): (usize, &&str)| ((*server).to_owned(), told(place).unwrap_or(Told::Values(Vec::new())));
        SERVERS.iter().enumerate().map(answer).collect()
    }
}

/// A platform at `dezky.example` with a public DNS of its own.
struct Estate {
    store: SharedStore,
    clock: Arc<ManualClock>,
    zone: Arc<Zone>,
    service: Arc<Service>,
}

impl Estate {
    fn new(store: SharedStore) -> Self {
        let clock = Arc::new(ManualClock::at_now());
        let zone = Arc::new(Zone::default());
        let settings =
            ServiceSettings { public_domain: Some("dezky.example".to_owned()), ..ServiceSettings::default() };
        let service = Service::new(Arc::clone(&store), clock.clone(), settings).with_records(Some(zone.clone()));
        Self { store, clock, zone, service: Arc::new(service) }
    }

    async fn add(&self, tenant: TenantId, name: &str) -> Result<TenantDomainView, Error> {
        let input = AddDomain::read(json!({ "name": name })).unwrap();
        Ok(self.service.add_domain(&system(), &tenant.into(), input).await?.value)
    }

    async fn check(&self, tenant: TenantId, name: &str) -> Result<TenantDomainView, Error> {
        Ok(self.service.check_domain(&system(), &tenant.into(), name).await?.value)
    }

    async fn shown(&self, tenant: TenantId, name: &str) -> TenantDomainView {
        self.service.read_domain(&system(), &tenant.into(), name).await.unwrap()
    }

    async fn load(&self, tenant: TenantId) -> Tenant {
        self.store.load(&system().context, tenant).await.unwrap().unwrap()
    }

    async fn claims(&self) -> Vec<TenantDomain> {
        self.store.load_all(&system().context, &Query::new(&TENANT_DOMAINS).limit(200)).await.unwrap()
    }

    /// Publishes the record of a claim on these servers.
    fn publish(&self, claim: &TenantDomainView, servers: &[usize]) {
        let record = claim.challenge.as_ref().unwrap();
        self.zone.has(servers, &record.kind, &record.name, &record.value);
    }

    /// A tenant with a domain that is proven.
    async fn proven(&self, slug: &str, name: &str) -> TenantId {
        let id = tenant(&self.service, slug).await;
        let claim = self.add(id, name).await.unwrap();
        self.publish(&claim, &[0, 1, 2]);
        let shown = self.check(id, name).await.unwrap();
        assert_eq!(shown.status, DomainStatus::Verified);
        id
    }

    /// Lets time pass, and looks at what is due.
    async fn after(&self, time: Duration) {
        self.clock.advance(time);
        catch_up(&self.service).await.unwrap();
        dezky::work::purge::purge(&self.service).await.unwrap();
        while look_at_domains(&self.service).await.unwrap() {}
    }

    async fn update(&self, tenant: TenantId, change: serde_json::Value) -> Result<(), Error> {
        let input = UpdateTenant::read(change).unwrap();
        self.service.update_tenant(&system(), &tenant.into(), input).await.map(drop)
    }
}

async fn a_domain_is_proven_by_the_record_of_its_claim(store: SharedStore) {
    let estate = Estate::new(store);
    let acme = tenant(&estate.service, "acme").await;
    let claim = estate.add(acme, "B\u{fc}cher.Example.").await.unwrap();
    assert_eq!((claim.name.as_str(), claim.status), ("xn--bcher-kva.example", DomainStatus::Pending));
    assert_eq!(claim.display_name.as_deref(), Some("b\u{fc}cher.example"));
    let record = claim.challenge.clone().unwrap();
    assert_eq!(record.name, "_dezky-challenge.xn--bcher-kva.example");
    assert!(record.value.strip_prefix("dezky-verification=").is_some_and(|token| token.len() == 32), "{record:?}");
    let missing = estate.check(acme, "b\u{fc}cher.example").await.unwrap();
    assert_eq!(missing.status, DomainStatus::Pending);
    assert!(missing.advice.unwrap().contains(&record.name));
    // Once in 10 s, however many ask.
    let again = estate.check(acme, "b\u{fc}cher.example").await.unwrap_err();
    assert!(again.is(Code::CHECKED_JUST_NOW) && again.retry_after().is_some(), "{again:?}");
    estate.clock.advance(Duration::from_secs(10));
    estate.publish(&claim, &[0, 1]);
    let proven = estate.check(acme, "b\u{fc}cher.example").await.unwrap();
    assert_eq!((proven.status, proven.advice), (DomainStatus::Verified, None));
    assert!(estate.load(acme).await.has_verified("xn--bcher-kva.example"));
}

async fn servers_have_to_agree(store: SharedStore) {
    let estate = Estate::new(store);
    let acme = tenant(&estate.service, "acme").await;
    let claim = estate.add(acme, "acme.example").await.unwrap();
    let record = claim.challenge.clone().unwrap();
    estate.publish(&claim, &[0]);
    // One of three is not most, and is told.
    let shown = estate.check(acme, "acme.example").await.unwrap();
    assert_eq!(shown.status, DomainStatus::Pending);
    assert!(shown.advice.unwrap().starts_with("1 of 3"));
    // A forged answer outweighs those that agree.
    estate.publish(&claim, &[0, 1]);
    estate.zone.tells(2, "TXT", &record.name, Told::Bogus("no signature".to_owned()));
    estate.clock.advance(Duration::from_secs(10));
    let shown = estate.check(acme, "acme.example").await.unwrap();
    assert_eq!(shown.status, DomainStatus::Pending);
    assert!(shown.advice.unwrap().contains("DNSSEC"));
    // One that is silent does not.
    estate.zone.tells(2, "TXT", &record.name, Told::Nothing("no answer in time".to_owned()));
    estate.clock.advance(Duration::from_secs(10));
    assert_eq!(estate.check(acme, "acme.example").await.unwrap().status, DomainStatus::Verified);
}

async fn the_first_to_prove_a_domain_has_it(store: SharedStore) {
    let estate = Estate::new(store);
    let mut claims = Vec::new();
    for number in 0..8 {
        let id = tenant(&estate.service, &format!("tenant-{number}")).await;
        let claim = estate.add(id, "acme.example").await.unwrap();
        claims.push((id, claim));
    }
    let record = claims[0].1.challenge.clone().unwrap();
    let values = claims.iter().map(|(_, claim)| claim.challenge.clone().unwrap().value).collect::<Vec<_>>();
    assert!(values.iter().all(|value| values.iter().filter(|other| *other == value).count() == 1));
    (0..3).for_each(|server| estate.zone.tells(server, "TXT", &record.name, Told::Values(values.clone())));
    let checks = claims.iter().map(|(id, _)| estate.check(*id, "acme.example"));
    let outcomes = futures_util::future::join_all(checks).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    for (outcome, (id, _)) in outcomes.iter().zip(&claims) {
        let owns = estate.load(*id).await.has_verified("acme.example");
        assert_eq!(owns, outcome.is_ok());
        if let Err(error) = outcome {
            assert!(error.is(Code::DOMAIN_TAKEN), "{error:?}");
            let told = estate.shown(*id, "acme.example").await;
            assert!(told.contested && told.status == DomainStatus::Pending);
            assert!(!format!("{error:?}{told:?}").contains("tenant-"), "who has it is not told");
        }
    }
}

async fn a_claim_is_looked_for_and_expires(store: SharedStore) {
    let estate = Estate::new(store);
    let (acme, other) = (tenant(&estate.service, "acme").await, tenant(&estate.service, "other").await);
    let claim = estate.add(acme, "acme.example").await.unwrap();
    estate.add(other, "other.example").await.unwrap();
    estate.after(Duration::from_secs(61)).await;
    assert_eq!(estate.shown(acme, "acme.example").await.status, DomainStatus::Pending);
    estate.publish(&claim, &[0, 1, 2]);
    estate.after(6 * HOUR).await;
    assert_eq!(estate.shown(acme, "acme.example").await.status, DomainStatus::Verified);
    estate.after(15 * DAY).await;
    let expired = estate.shown(other, "other.example").await;
    assert_eq!((expired.status, expired.next_look_at), (DomainStatus::Expired, None));
    // Added again, there is a new record.
    let renewed = estate.add(other, "other.example").await.unwrap();
    assert_eq!(renewed.status, DomainStatus::Pending);
    assert_ne!(renewed.challenge, expired.challenge);
    let twice = estate.add(other, "other.example").await.unwrap_err();
    assert!(twice.is(Code::DOMAIN_EXISTS), "{twice:?}");
}

async fn a_domain_is_at_risk_before_it_is_lost(store: SharedStore) {
    let estate = Estate::new(store);
    let acme = estate.proven("acme", "acme.example").await;
    let record = estate.shown(acme, "acme.example").await.challenge.unwrap();
    // Silence is no loss, however long.
    (0..3).for_each(|server| estate.zone.tells(server, "TXT", &record.name, Told::Nothing("SERVFAIL".to_owned())));
    for _ in 0..20 {
        estate.after(DAY).await;
    }
    assert_eq!(estate.shown(acme, "acme.example").await.status, DomainStatus::Verified);
    estate.zone.loses(&record.name);
    estate.after(DAY).await;
    let warned = estate.shown(acme, "acme.example").await;
    assert_eq!(warned.status, DomainStatus::AtRisk);
    assert!(warned.at_risk_since.is_some() && warned.lost_from.is_some() && warned.advice.is_some());
    assert!(estate.load(acme).await.has_verified("acme.example"), "it counts while it is at risk");
    estate.after(6 * DAY).await;
    assert_eq!(estate.shown(acme, "acme.example").await.status, DomainStatus::AtRisk);
    estate.after(2 * DAY).await;
    assert_eq!(estate.shown(acme, "acme.example").await.status, DomainStatus::Lost);
    let lost = estate.load(acme).await;
    assert!(!lost.has_verified("acme.example") && lost.domain_verifications[0].lost_at.is_some());
    // It comes back with the record.
    estate.zone.has(&[0, 1, 2], "TXT", &record.name, &record.value);
    estate.after(HOUR).await;
    assert_eq!(estate.shown(acme, "acme.example").await.status, DomainStatus::Verified);
    assert!(estate.load(acme).await.has_verified("acme.example"));
    // Lost again, it is free for another tenant, and does not come back from there.
    estate.zone.loses(&record.name);
    estate.after(DAY).await;
    estate.after(8 * DAY).await;
    estate.proven("other", "acme.example").await;
    estate.zone.has(&[0, 1, 2], "TXT", &record.name, &record.value);
    estate.after(HOUR).await;
    let contested = estate.shown(acme, "acme.example").await;
    assert!(contested.contested && contested.status == DomainStatus::Lost, "{contested:?}");
}

async fn an_operators_word_is_not_taken_back(store: SharedStore) {
    let estate = Estate::new(store);
    let acme = tenant(&estate.service, "acme").await;
    let now = dezky::clock::Clock::now(&*estate.clock);
    let verified =
        json!({"domains": ["acme.example"], "domainVerifications": [{"name": "acme.example", "verifiedAt": now}]});
    estate.update(acme, verified).await.unwrap();
    // Shown before there is a claim, and after.
    assert_eq!(estate.shown(acme, "acme.example").await.status, DomainStatus::Verified);
    for _ in 0..10 {
        estate.after(DAY).await;
    }
    let shown = estate.shown(acme, "acme.example").await;
    assert_eq!(shown.status, DomainStatus::Verified);
    assert!(shown.challenge.is_some(), "it may be proven by DNS as well");
    // What the list of a tenant names no more has no claim.
    estate.update(acme, json!({"domains": []})).await.unwrap();
    catch_up(&estate.service).await.unwrap();
    assert!(estate.claims().await.is_empty());
}

async fn a_domain_is_free_once_it_is_removed_or_its_tenant_is(store: SharedStore) {
    let estate = Estate::new(store);
    let acme = estate.proven("acme", "acme.example").await;
    let other = tenant(&estate.service, "other").await;
    let claim = estate.add(other, "acme.example").await.unwrap().challenge.unwrap();
    let both = vec![estate.shown(acme, "acme.example").await.challenge.unwrap().value, claim.value];
    (0..3).for_each(|server| estate.zone.tells(server, "TXT", &claim.name, Told::Values(both.clone())));
    assert!(estate.check(other, "acme.example").await.unwrap_err().is(Code::DOMAIN_TAKEN));
    // Deleted, it keeps its domain, so that the deletion can be undone.
    estate.service.delete_tenant(&system(), &acme.into()).await.unwrap();
    estate.after(DAY).await;
    estate.clock.advance(Duration::from_secs(10));
    assert!(estate.check(other, "acme.example").await.unwrap_err().is(Code::DOMAIN_TAKEN));
    estate.service.restore_tenant(&system(), &acme.into()).await.unwrap();
    assert!(estate.load(acme).await.has_verified("acme.example"));
    estate.service.delete_tenant(&system(), &acme.into()).await.unwrap();
    estate.after(DAY).await;
    estate.after(31 * DAY).await;
    estate.after(DAY).await;
    assert!(estate.load(acme).await.domain_verifications.is_empty());
    assert_eq!(estate.shown(other, "acme.example").await.status, DomainStatus::Verified, "it was waiting");
    // Removed by its tenant, it is free at once.
    estate.service.remove_domain(&system(), &other.into(), "acme.example").await.unwrap();
    estate.proven("third", "acme.example").await;
    let listed = estate.service.list_domains(&system(), &other.into(), &ListRequest::default()).await.unwrap();
    assert!(listed.items.is_empty());
}

async fn a_domain_with_mailboxes_stays(store: SharedStore) {
    let estate = Estate::new(store);
    let acme = estate.proven("acme", "acme.example").await;
    let anna = support::person(&estate.service, "anna").await;
    support::grant(&estate.service, acme, anna, MembershipRole::Member).await;
    let input = CreateMailbox::read(json!({"userId": anna, "localPart": "anna", "domain": "acme.example"})).unwrap();
    let mailbox = estate.service.create_mailbox(&system(), &acme.into(), input.clone()).await.unwrap().value;
    let refused = estate.service.remove_domain(&system(), &acme.into(), "acme.example").await.unwrap_err();
    assert!(refused.is(Code::DOMAIN_IN_USE) && refused.message().contains("anna@acme.example"), "{refused:?}");
    estate.service.delete_mailbox(&system(), &acme.into(), mailbox.id).await.unwrap();
    // Whichever of the two comes first, there is never a mailbox without its domain.
    let reference = acme.into();
    let (call, other) = (system(), system());
    let (created, removed) = futures_util::join!(
        estate.service.create_mailbox(&call, &reference, input),
        estate.service.remove_domain(&other, &reference, "acme.example"),
    );
    assert!(created.is_ok() != removed.is_ok(), "{created:?} {removed:?}");
}

async fn a_host_name_of_its_own_has_to_lead_to_the_platform(store: SharedStore) {
    let estate = Estate::new(store);
    let acme = estate.proven("acme", "acme.example").await;
    let foreign = estate.update(acme, json!({"launcherHost": "work.other.example"})).await.unwrap_err();
    assert!(foreign.fields().iter().any(|field| field.field == "launcherHost"), "{foreign:?}");
    estate.update(acme, json!({"launcherHost": "Work.Acme.Example"})).await.unwrap();
    let context = system().context;
    let at = async |host: &str| estate.service.launcher_at(&context, host).await.map(|view| view.slug);
    assert!(at("work.acme.example").await.is_err(), "not before it leads here");
    estate.clock.advance(Duration::from_secs(10));
    let shown = estate.check(acme, "acme.example").await.unwrap();
    assert_eq!(shown.host.map(|host| host.leads_here), Some(false));
    estate.zone.has(&[0, 1], "CNAME", "work.acme.example", "acme.dezky.example.");
    estate.clock.advance(Duration::from_secs(10));
    let host = estate.check(acme, "acme.example").await.unwrap().host.unwrap();
    assert_eq!((host.target.as_str(), host.leads_here), ("acme.dezky.example", true));
    assert_eq!(at("Work.acme.example:8443").await.unwrap(), "acme");
    assert_eq!(at("acme.dezky.example").await.unwrap(), "acme");
    assert!(at("acme.example").await.is_err() && at("nobody.example").await.is_err());
    // Another host has to be seen again; at the top of a zone there are addresses instead.
    estate.update(acme, json!({"launcherHost": "acme.example"})).await.unwrap();
    assert!(at("work.acme.example").await.is_err() && at("acme.example").await.is_err());
    for name in ["acme.example", "acme.dezky.example"] {
        estate.zone.has(&[0, 1, 2], "A", name, "192.0.2.7");
    }
    estate.clock.advance(Duration::from_secs(10));
    estate.check(acme, "acme.example").await.unwrap();
    assert_eq!(at("acme.example").await.unwrap(), "acme");
    // An address that is not ours counts, even beside ours.
    estate.zone.has(&[0, 1, 2], "AAAA", "acme.example", "2001:db8::7");
    estate.clock.advance(Duration::from_secs(10));
    estate.check(acme, "acme.example").await.unwrap();
    assert!(at("acme.example").await.is_err());
    estate.service.remove_domain(&system(), &acme.into(), "acme.example").await.unwrap();
    assert_eq!(estate.load(acme).await.launcher_host, None);
}

support::on_every_store! {
    a_domain_is_proven_by_the_record_of_its_claim,
    servers_have_to_agree,
    the_first_to_prove_a_domain_has_it,
    a_claim_is_looked_for_and_expires,
    a_domain_is_at_risk_before_it_is_lost,
    an_operators_word_is_not_taken_back,
    a_domain_is_free_once_it_is_removed_or_its_tenant_is,
    a_domain_with_mailboxes_stays,
    a_host_name_of_its_own_has_to_lead_to_the_platform,
}
