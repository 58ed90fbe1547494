//! Tests random sequences of calls by several callers: no answer discloses a document outside the caller's tenants.

use std::sync::Arc;

use dezky::{
    domain::{ObjectId, TenantStatus},
    store::SharedStore,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use crate::{
    conditions::{Condition, condition},
    estate::World,
    recording::{Recording, anonymous},
    routes::{Does, Names, Pushed, ROUTES, Route},
    world::{Answer, Caller, Platform},
};

/// All callers except the platform.
///
/// Current and former members of only the tenant, those with tenants of their own, those without any access, and API keys
/// of the tenant and of another one.
pub(crate) const CALLERS: [Caller; 13] = [
    Caller::NoToken,
    Caller::BadToken,
    Caller::Unknown,
    Caller::Stranger,
    Caller::Revoked,
    Caller::BoundElsewhere,
    Caller::BoundRoot,
    Caller::Disabled,
    Caller::ForeignKey,
    Caller::Member,
    Caller::Admin,
    Caller::Owner,
    Caller::TenantKey,
];

/// A call.
#[derive(Debug, Clone)]
struct Step {
    caller: Caller,
    route: usize,
    /// Names documents hidden from the caller, instead of the caller's own.
    hidden: bool,
    /// Names tenants by slug instead of id.
    by_slug: bool,
    /// Names the caller's own tenant and a hidden person or subscription in it.
    mixed: bool,
    /// The filter of a list.
    filter: Option<usize>,
    condition: Condition,
}

/// Generates a caller. Half of them belong to the tenant, and see more.
pub(crate) fn caller() -> impl Strategy<Value = Caller> {
    prop_oneof![prop::sample::select(&CALLERS[..]), prop::sample::select(&CALLERS[9..])]
}

fn step() -> impl Strategy<Value = Step> {
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (caller(), 0..ROUTES.len(), flags, prop::option::of(0..24usize), condition()).prop_map(
        |(caller, route, (hidden, by_slug, mixed), filter, condition)| Step {
            caller,
            route,
            hidden,
            by_slug,
            mixed,
            filter,
            condition,
        },
    )
}

/// Returns the names of hidden documents, and names of the same length without any document.
fn twins(world: &World, hidden: &World, step: &Step) -> (Names, Names) {
    let mut there = if step.hidden { hidden.names() } else { world.names() };
    let nowhere = || ObjectId::generate().to_string();
    let mut absent = Names {
        // With the same number of words, since searches query each word.
        tenant: there.tenant.replace(|character: char| character != '-', "z"),
        tenant_id: nowhere(),
        subscription: nowhere(),
        user: nowhere(),
        former: nowhere(),
        mailbox: nowhere(),
        password: nowhere(),
        invitation: nowhere(),
        api_key: nowhere(),
        endpoint: nowhere(),
        domain: there.domain.clone(),
        pushed: Pushed { person: nowhere(), group: nowhere(), ..there.pushed.clone() },
        pushed_for_platform: Pushed { person: nowhere(), group: nowhere(), ..there.pushed_for_platform.clone() },
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

fn body(route: &Route, names: &Names) -> Option<Value> {
    match (route.method, route.path) {
        // Only some callers may learn that a slug is taken.
        ("POST", "/tenants") => Some(json!({"slug": names.tenant, "name": "New"})),
        ("POST", "/tenants/{tenant}/domains") => Some(json!({"name": "claimed.elsewhere.eu"})),
        ("POST", "/tenants/{tenant}/invitations") => Some(json!({"email": "invited@elsewhere.eu"})),
        ("POST", "/tenants/{tenant}/invitations/bulk") => {
            Some(json!({"invitations": [{"email": "invited@elsewhere.eu"}]}))
        }
        ("POST" | "PATCH", path) if path.starts_with("/scim/") => Some(match (route.method, path.rsplit('/').next()) {
            ("POST", Some("Users")) => json!({"userName": "pushed"}),
            ("POST", Some("Groups")) => json!({"displayName": "pushed"}),
            ("POST", _) => json!({"count": 1}),
            _ => json!({"Operations": [{"op": "replace", "path": "displayName", "value": "patched"}]}),
        }),
        ("PUT", "/scim/v2/{directory}/Groups/{group}") => Some(json!({"displayName": "replaced"})),
        ("POST", "/users") => Some(json!({"authentikSubjectId": names.user})),
        _ => route.body(names),
    }
}

fn all(names: &Names) -> [&str; 5] {
    [&names.tenant, &names.tenant_id, &names.subscription, &names.user, &names.former]
}

/// Replaces the searched words of a name in a store call.
fn wordless(call: &str, name: &str) -> String {
    name.split('-').fold(call.to_owned(), |call, word| call.replace(&format!("Text(\"{word}\")"), "Text(WORD)"))
}

/// Replaces the names in an answer.
fn unnamed(answer: &Answer, names: &Names) -> Answer {
    let alike = |text: &str| all(names).into_iter().fold(text.to_owned(), |text, name| text.replace(name, "NAME"));
    let headers = answer.headers.iter().map(|(name, value)| (name.clone(), alike(value))).collect();
    Answer { status: answer.status, headers, body: alike(&answer.body) }
}

/// A platform with a tenant and its people, and another tenant that is hidden from them.
///
/// Each sequence has its own, so that all callers start in their initial state.
struct Setup {
    platform: Arc<Platform>,
    record: Arc<Recording>,
    world: World,
    hidden: World,
}

impl Setup {
    async fn new(platform: &Arc<Platform>, record: &Arc<Recording>) -> Self {
        let mut world = platform.world(TenantStatus::Active).await;
        platform.give_keys(&mut world).await;
        let hidden = platform.world(TenantStatus::Active).await;
        Self { platform: Arc::clone(platform), record: Arc::clone(record), world, hidden }
    }

    async fn call(&self, step: &Step, names: &Names, headers: &[(&'static str, String)]) -> (Answer, Vec<String>) {
        let route = &ROUTES[step.route];
        let body = body(route, names);
        let (method, path) = (route.method, route.filtered(names, step.filter));
        self.record.take();
        let answer = self.platform.call_with(step.caller, &self.world, (method, &path), body.as_ref(), headers).await;
        let asked = self.record.take();
        (answer, asked.iter().map(|call| wordless(&anonymous(call, &all(names)), &names.tenant)).collect())
    }

    /// Returns the headers of a step with the current entity tag, which somebody may have told the caller.
    async fn headers(&self, step: &Step, names: &Names) -> Vec<(&'static str, String)> {
        let route = &ROUTES[step.route];
        let known = if matches!(step.condition, Condition::IfMatchKnown | Condition::IfNoneMatchKnown) {
            let path = route.path(names);
            self.platform.call(Caller::PlatformAdmin, &self.world, "GET", &path, None).await.tag().map(str::to_owned)
        } else {
            None
        };
        step.condition.headers(known.as_deref())
    }

    /// Returns `true` if the caller has no part in the tenant, so that it is hidden from them.
    ///
    /// Sequences change that, since admins can restore revoked members.
    async fn is_outside(&self, caller: Caller) -> bool {
        match caller {
            Caller::Member | Caller::Admin | Caller::Owner | Caller::TenantKey => false,
            Caller::Revoked => {
                let (call, tenant) = (crate::support::system(), self.world.tenant.into());
                self.platform.service.read_member(&call, &tenant, self.world.revoked).await.is_err()
            }
            _ => true,
        }
    }

    async fn run(&self, step: &Step) -> Result<(), TestCaseError> {
        let route = &ROUTES[step.route];
        if matches!(route.does, Does::Public) {
            return Ok(());
        }
        let outside = self.is_outside(step.caller).await;
        let (there, absent) = twins(&self.world, &self.hidden, step);
        // Reading one's own profile names nothing, and neither do some requests that name one's own tenant.
        let names_it = route.filtered(&there, step.filter) != route.filtered(&absent, step.filter)
            || body(route, &there) != body(route, &absent);
        let answer = if (step.hidden || outside) && names_it {
            let headers = self.headers(step, &there).await;
            let (seen, asked) = self.call(step, &there, &headers).await;
            let (unseen, asked_of_nothing) = self.call(step, &absent, &headers).await;
            let (seen, unseen) = (unnamed(&seen, &there), unnamed(&unseen, &absent));
            prop_assert_eq!(&seen, &unseen, "{:?} {}: hidden and absent differ", step, route.path);
            prop_assert_eq!(asked, asked_of_nothing, "{:?} {}: the store is asked differently", step, route.path);
            seen
        } else {
            let names = self.world.names();
            let headers = self.headers(step, &names).await;
            self.call(step, &names, &headers).await.0
        };
        tells_nothing_of(&self.hidden, step, &answer)?;
        if outside { tells_nothing_of(&self.world, step, &answer) } else { Ok(()) }
    }
}

fn tells_nothing_of(world: &World, step: &Step, answer: &Answer) -> Result<(), TestCaseError> {
    let hidden = world.names();
    let text = answer.text();
    // People see themselves.
    let oneself = (step.caller == Caller::Revoked).then_some(hidden.former.as_str());
    for secret in all(&hidden).into_iter().filter(|secret| Some(*secret) != oneself) {
        prop_assert!(!text.contains(secret), "{step:?} shows `{secret}`: {text}");
    }
    Ok(())
}

/// Returns a runner with the same sequences in every run.
pub(crate) fn runner(sequences: u32, seed: u8) -> TestRunner {
    let config = Config { cases: sequences, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
}

pub(crate) async fn nothing_tells_of_what_is_hidden(store: SharedStore, sequences: u32) {
    let record = Arc::new(Recording::new(store));
    let platform = Arc::new(Platform::on(Arc::clone(&record) as SharedStore).await);
    let runtime = tokio::runtime::Handle::current();
    let mut runner = runner(sequences, 23);
    let ran = tokio::task::spawn_blocking(move || {
        runner.run(&prop::collection::vec(step(), 16..64), |steps| {
            runtime.block_on(async {
                let setup = Setup::new(&platform, &record).await;
                for step in &steps {
                    setup.run(step).await?;
                }
                Ok(())
            })
        })
    });
    ran.await.unwrap().unwrap();
}
