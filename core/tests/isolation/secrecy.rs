//! Random sequences of calls by several callers: nothing tells a caller of a document outside its tenants.

use std::sync::Arc;

use dezky::{
    domain::{ObjectId, TenantStatus},
    store::SharedStore,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::json;

use crate::{
    recording::Recording,
    routes::{Does, Names, ROUTES, Route},
    world::{Answer, Caller, Platform, World},
};

/// Those who belong to the tenant or did, and to no other; the stranger and the one bound elsewhere have their own.
const CALLERS: [Caller; 6] =
    [Caller::Stranger, Caller::Revoked, Caller::BoundElsewhere, Caller::Member, Caller::Admin, Caller::Owner];

/// One call.
#[derive(Debug, Clone)]
struct Step {
    caller: Caller,
    route: usize,
    /// Names what the caller may not see, instead of what is the caller's own.
    hidden: bool,
    /// Tenants are named by slug and not by id.
    by_slug: bool,
    /// Names one's own tenant and a hidden person or subscription in it.
    mixed: bool,
}

fn step() -> impl Strategy<Value = Step> {
    (prop::sample::select(&CALLERS[..]), 0..ROUTES.len(), any::<bool>(), any::<bool>(), any::<bool>())
        .prop_map(|(caller, route, hidden, by_slug, mixed)| Step { caller, route, hidden, by_slug, mixed })
}

/// Names of what there is and the caller may not see, and of what there is not, of the same length.
fn twins(world: &World, hidden: &World, step: &Step) -> (Names, Names) {
    let mut there = hidden.names();
    let nowhere = || ObjectId::generate().to_string();
    let mut absent = Names {
        tenant: "z".repeat(hidden.slug.len()),
        tenant_id: nowhere(),
        subscription: nowhere(),
        user: nowhere(),
        former: nowhere(),
    };
    if !step.by_slug {
        there.tenant.clone_from(&there.tenant_id);
        absent.tenant.clone_from(&absent.tenant_id);
    }
    if step.mixed {
        for names in [&mut there, &mut absent] {
            names.tenant = world.slug.clone();
            names.tenant_id = world.tenant.to_string();
        }
    }
    (there, absent)
}

/// The answer with the names in it made alike.
fn unnamed(answer: &Answer, names: &Names) -> Answer {
    let alike = |text: &str| {
        [&names.tenant, &names.tenant_id, &names.subscription, &names.user, &names.former]
            .into_iter()
            .fold(text.to_owned(), |text, name| text.replace(name.as_str(), "NAME"))
    };
    let headers = answer.headers.iter().map(|(name, value)| (name.clone(), alike(value))).collect();
    Answer { status: answer.status, headers, body: alike(&answer.body) }
}

struct Stage {
    platform: Platform,
    record: Arc<Recording>,
    world: World,
    hidden: World,
}

impl Stage {
    async fn new(store: SharedStore) -> Self {
        let record = Arc::new(Recording::new(store));
        let platform = Platform::on(Arc::clone(&record) as SharedStore).await;
        let world = platform.world(TenantStatus::Active).await;
        let hidden = platform.world(TenantStatus::Active).await;
        Self { platform, record, world, hidden }
    }

    async fn call(&self, step: &Step, route: &Route, names: &Names) -> (Answer, Vec<String>) {
        let mut body = route.body(names);
        if route.path == "/tenants" && route.method == "post" {
            // Whether a slug is taken is not for everybody to know.
            body = Some(json!({"slug": names.tenant, "name": "New"}));
        }
        self.record.take();
        let path = route.path(names);
        let answer =
            self.platform.call(step.caller, &self.world, &route.method.to_uppercase(), &path, body.as_ref()).await;
        (answer, self.record.take())
    }

    async fn run(&self, step: &Step) -> Result<(), TestCaseError> {
        let route = &ROUTES[step.route];
        if matches!(route.does, Does::Public) {
            return Ok(());
        }
        // One's own routes name nothing.
        let answer = if step.hidden && !matches!(route.does, Does::Own) {
            let (there, absent) = twins(&self.world, &self.hidden, step);
            let (seen, asked) = self.call(step, route, &there).await;
            let (unseen, asked_of_nothing) = self.call(step, route, &absent).await;
            let (seen, unseen) = (unnamed(&seen, &there), unnamed(&unseen, &absent));
            prop_assert_eq!(&seen, &unseen, "{:?} {}: hidden and absent differ", step, route.path);
            prop_assert_eq!(asked, asked_of_nothing, "{:?} {}: the store is asked differently", step, route.path);
            seen
        } else {
            self.call(step, route, &self.world.names()).await.0
        };
        self.tells_nothing(step, &answer)
    }

    fn tells_nothing(&self, step: &Step, answer: &Answer) -> Result<(), TestCaseError> {
        let hidden = self.hidden.names();
        let text = answer.text();
        for secret in [hidden.tenant, hidden.tenant_id, hidden.subscription, hidden.user, hidden.former] {
            prop_assert!(!text.contains(&secret), "{step:?} shows `{secret}`: {text}");
        }
        Ok(())
    }
}

pub(crate) async fn nothing_tells_of_what_is_hidden(store: SharedStore, sequences: u32) {
    let stage = Arc::new(Stage::new(store).await);
    let runtime = tokio::runtime::Handle::current();
    // The same sequences in every run.
    let config = Config { cases: sequences, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[23; 32]));
    let ran = tokio::task::spawn_blocking(move || {
        runner.run(&prop::collection::vec(step(), 1..24), |steps| {
            runtime.block_on(async {
                for step in &steps {
                    stage.run(step).await?;
                }
                Ok(())
            })
        })
    });
    ran.await.unwrap().unwrap();
}
