//! Random interleavings of changes, erasures, retention and sealers that die: chains stay green, and tampering turns them red.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use dezky::{
    context::RequestContext,
    domain::{AuditEvent, AuditStub, CreateUser, ObjectId, UserId, audit::AUDIT_EVENTS, trail::AUDIT_STUBS},
    service::{Service, ServiceSettings},
    store::{
        ChangeNotice, Collection, Commit, Document, Query, Read, Repository as _, SharedStore, Store, StoreError,
        StoreResult,
    },
    test_kit::ManualClock,
    work::{catch_up, trail},
};
use futures_util::stream::BoxStream;
use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};
use serde_json::json;

use super::{
    grant, rename, rename_person,
    support::{self, system},
    tenant, verified,
};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A store whose commits fail from some number on, before or after they took effect, as for a process that dies.
struct Dying {
    store: SharedStore,
    commits: AtomicUsize,
    after_effect: bool,
}

impl fmt::Debug for Dying {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Dying")
    }
}

#[async_trait]
impl Store for Dying {
    async fn get(
        &self,
        context: &RequestContext,
        of: &'static Collection,
        id: ObjectId,
    ) -> StoreResult<Option<Document>> {
        self.store.get(context, of, id).await
    }
    async fn find(&self, context: &RequestContext, query: &Query) -> StoreResult<Vec<Document>> {
        self.store.find(context, query).await
    }
    async fn read(&self, context: &RequestContext, reads: &[Read]) -> StoreResult<Vec<Vec<Document>>> {
        self.store.read(context, reads).await
    }
    async fn commit(&self, context: &RequestContext, commit: &Commit) -> StoreResult<()> {
        let left = self.commits.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1)));
        if left.unwrap() > 0 {
            return self.store.commit(context, commit).await;
        }
        if self.after_effect {
            self.store.commit(context, commit).await?;
        }
        Err(StoreError::Unavailable { detail: "the process died".to_owned() })
    }
    fn changes(&self) -> Option<BoxStream<'static, ChangeNotice>> {
        self.store.changes()
    }
    async fn health(&self, context: &RequestContext) -> StoreResult<()> {
        self.store.health(context).await
    }
}

#[derive(Debug, Clone)]
enum Step {
    Rename,
    Hire,
    RenamePerson(usize),
    Erase(usize),
    Seal,
    /// Retention and sealer of a process that dies after so many commits.
    Die(usize, bool),
    Retain,
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Rename),
        2 => Just(Step::Hire),
        3 => any::<usize>().prop_map(Step::RenamePerson),
        1 => any::<usize>().prop_map(Step::Erase),
        3 => Just(Step::Seal),
        3 => (0..4_usize, any::<bool>()).prop_map(|(commits, after)| Step::Die(commits, after)),
        2 => Just(Step::Retain),
        2 => (1..20_u64).prop_map(Step::Pass),
    ]
}

#[derive(Debug, Clone, Copy)]
enum Tampering {
    Change,
    Remove,
    Swap,
}

fn tampering() -> impl Strategy<Value = Tampering> {
    prop_oneof![Just(Tampering::Change), Just(Tampering::Remove), Just(Tampering::Swap)]
}

fn service(store: SharedStore, clock: &Arc<ManualClock>) -> Service {
    let kept = [("tenant", 20), ("membership", 40)];
    let audit_retention = kept.map(|(kind, days)| (kind.to_owned(), DAY * days)).into();
    Service::new(store, clock.clone(), ServiceSettings { audit_retention, ..ServiceSettings::default() })
}

async fn assert_all_green(service: &Service, about: &str) {
    for (tenant, one) in verified(service).await {
        assert_eq!(one.finding, None, "{tenant:?} after {about}");
    }
}

/// An entry of a chain.
enum Entry {
    Event(Box<AuditEvent>),
    Stub(AuditStub),
}

/// Returns all sealed entries by chain, in order.
async fn entries(store: &SharedStore) -> Vec<Vec<Entry>> {
    let context = system().context;
    let events: Vec<AuditEvent> = store.load_all(&context, &Query::new(&AUDIT_EVENTS).limit(2_000)).await.unwrap();
    let stubs: Vec<AuditStub> = store.load_all(&context, &Query::new(&AUDIT_STUBS).limit(2_000)).await.unwrap();
    let mut all: BTreeMap<ObjectId, BTreeMap<u64, Entry>> = BTreeMap::new();
    for event in events {
        if let (Some(chain), Some(seq)) = (event.chain, event.seq) {
            all.entry(chain).or_default().insert(seq, Entry::Event(Box::new(event)));
        }
    }
    for stub in stubs {
        all.entry(stub.chain).or_default().insert(stub.seq, Entry::Stub(stub));
    }
    all.into_values().map(|entries| entries.into_values().collect()).collect()
}

/// Changes one place of a chain past the service, or two. Returns `false` if there is nothing to change.
async fn tamper(store: &SharedStore, how: Tampering, at: usize) -> bool {
    let chains = entries(store).await;
    let Some(chain) = chains.get(at % chains.len().max(1)) else { return false };
    let position = at / 7 % chain.len();
    let other = chain.get(position + 1);
    let mut commit = Commit::new();
    match (how, &chain[position], other) {
        (Tampering::Remove, Entry::Event(event), _) => commit.delete(&**event),
        (Tampering::Remove, Entry::Stub(stub), _) => commit.delete(stub),
        (Tampering::Swap, Entry::Event(one), Some(Entry::Event(two))) => {
            let (first, second) = (AuditEvent::clone(one), AuditEvent::clone(two));
            commit
                .update(
                    &AuditEvent { seq: two.seq, hash: two.hash.clone(), version: one.version + 1, ..first },
                    one.version,
                )
                .unwrap();
            commit
                .update(
                    &AuditEvent { seq: one.seq, hash: one.hash.clone(), version: two.version + 1, ..second },
                    two.version,
                )
                .unwrap();
        }
        (_, Entry::Event(event), _) => {
            let changed =
                AuditEvent { request_id: "forged".to_owned(), version: event.version + 1, ..AuditEvent::clone(event) };
            commit.update(&changed, event.version).unwrap();
        }
        (_, Entry::Stub(stub), _) => {
            let changed = AuditStub { content: "0".repeat(64), version: stub.version + 1, ..stub.clone() };
            commit.update(&changed, stub.version).unwrap();
        }
    }
    store.commit(&system().context, &commit).await.unwrap();
    true
}

async fn follow(store: SharedStore, steps: Vec<Step>, how: Tampering, at: usize) {
    let clock = Arc::new(ManualClock::at_now());
    let calm = service(Arc::clone(&store), &clock);
    let acme = tenant(&calm, "acme").await;
    let mut people: Vec<UserId> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        match step {
            Step::Rename => rename(&calm, acme, &format!("Acme {number}")).await,
            Step::Hire => {
                let body = json!({"authentikSubjectId": format!("p-{number}"), "name": "Somebody"});
                let input = CreateUser::read(body).unwrap();
                let user = calm.create_user(&system(), input).await.unwrap().value.id;
                grant(&calm, acme, user, dezky::domain::MembershipRole::Member).await;
                people.push(user);
            }
            Step::RenamePerson(which) if !people.is_empty() => {
                rename_person(&calm, people[which % people.len()], &format!("Name {number}")).await;
            }
            Step::Erase(which) if !people.is_empty() => {
                let user = people.swap_remove(which % people.len());
                calm.delete_user(&system(), user).await.unwrap();
                catch_up(&calm).await.unwrap();
            }
            Step::RenamePerson(_) | Step::Erase(_) => {}
            Step::Seal => _ = trail::seal(&calm).await.unwrap(),
            Step::Die(commits, after_effect) => {
                let dying = Dying {
                    store: Arc::clone(&store),
                    commits: AtomicUsize::new(*commits),
                    after_effect: *after_effect,
                };
                let dying = service(Arc::new(dying), &clock);
                if trail::seal(&dying).await.is_ok() {
                    _ = trail::retain(&dying).await;
                }
            }
            Step::Retain => _ = trail::retain(&calm).await.unwrap(),
            Step::Pass(days) => clock.advance(DAY * u32::try_from(*days).unwrap()),
        }
        assert_all_green(&calm, &format!("{:?}", &steps[..=number])).await;
    }
    while trail::seal(&calm).await.unwrap() > 0 {}
    assert_all_green(&calm, "all").await;
    if tamper(&store, how, at).await {
        let red = verified(&calm).await.values().filter(|one| one.finding.is_some()).count();
        assert_eq!(red, 1, "{how:?} at {at} after {steps:?}");
    }
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(11),
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    })
}

fn cases() -> impl Strategy<Value = (Vec<Step>, Tampering, usize)> {
    (prop::collection::vec(step(), 5..40), tampering(), any::<usize>())
}

#[test]
fn chains_stay_green_and_tampering_turns_them_red_on_sqlite() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let run = |(steps, how, at)| {
        let fixture = support::sqlite();
        runtime.block_on(follow(Arc::clone(&fixture.store), steps, how, at));
        Ok(())
    };
    runner(24).run(&cases(), run).unwrap();
}

#[test]
fn chains_stay_green_and_tampering_turns_them_red_on_mongodb() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let run = |(steps, how, at)| {
        runtime.block_on(async { follow(support::mongodb().await, steps, how, at).await });
        Ok(())
    };
    runner(4).run(&cases(), run).unwrap();
}
