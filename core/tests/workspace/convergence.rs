//! Random changes of the desired state under random faults always come to rest with nothing left to change.

use std::time::Duration;

use dezky::{
    domain::{TenantId, TenantStatus, UpdateTenant, UserId, workspace::Phase},
    emulators::Faults,
};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::json;

use crate::{
    support::{self, system},
    world::World,
};

/// A change that somebody asks for, or a step of the workers.
#[derive(Debug, Clone)]
enum Step {
    Rename(u8),
    Suspend,
    Restore,
    Plan(bool),
    Revoke(usize),
    Grant(usize),
    Domain(bool),
    Login(bool),
    Work(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        any::<u8>().prop_map(Step::Rename),
        Just(Step::Suspend),
        Just(Step::Restore),
        any::<bool>().prop_map(Step::Plan),
        (0_usize..3).prop_map(Step::Revoke),
        (0_usize..3).prop_map(Step::Grant),
        any::<bool>().prop_map(Step::Domain),
        any::<bool>().prop_map(Step::Login),
        (0_u8..4).prop_map(Step::Work),
        (0_u8..4).prop_map(Step::Work),
    ]
}

async fn take(world: &World, tenant: TenantId, people: &[UserId], step: &Step) {
    let call = system();
    let reference = tenant.into();
    let update = async |body| {
        // A suspended tenant takes no changes of some kinds: that is not what is tested here.
        let _refused = world.service.update_tenant(&call, &reference, UpdateTenant::read(body).unwrap()).await;
    };
    match step {
        Step::Rename(number) => update(json!({"name": format!("Name {number}: / GmbH")})).await,
        Step::Suspend => drop(world.service.suspend_tenant(&call, &reference).await),
        Step::Restore => drop(world.service.restore_tenant(&call, &reference).await),
        Step::Plan(large) => update(json!({"plan": if *large { "business" } else { "starter" }})).await,
        Step::Revoke(which) => drop(world.service.revoke_membership(&call, &reference, people[*which]).await),
        Step::Grant(which) => {
            let input =
                dezky::domain::GrantMembership { user_id: people[*which], role: dezky::domain::MembershipRole::Member };
            drop(world.service.grant_membership(&call, &reference, input).await);
        }
        Step::Domain(second) => {
            use dezky::clock::Clock as _;
            let verified = |name: &str| json!({"name": name, "verifiedAt": world.clock.now()});
            let names = if *second { vec!["acme.eu", "second.eu"] } else { vec!["acme.eu"] };
            let verifications: Vec<_> = names.iter().map(|name| verified(name)).collect();
            update(json!({"domains": names, "domainVerifications": verifications})).await;
        }
        Step::Login(on) => update(json!({"isolatedLogin": on})).await,
        Step::Work(seconds) => {
            world.work().await;
            world.clock.advance(Duration::from_secs(u64::from(*seconds)));
        }
    }
}

async fn converges(steps: &[Step], seed: u64) -> Result<(), TestCaseError> {
    let fixture = support::sqlite();
    let world = World::on(fixture.store.clone()).await;
    let tenant = world.tenant("acme").await;
    let mut people = Vec::new();
    for name in ["anna", "bert", "carl"] {
        people.push(world.member(tenant, name).await.0);
    }
    world.set_faults(Faults { share: 0.2, seed, ..Faults::default() });
    for step in steps {
        take(&world, tenant, &people, step).await;
    }
    for _ in 0..20 {
        world.work().await;
        world.clock.advance(Duration::from_secs(7));
    }
    world.set_faults(Faults::default());
    world.settle().await;
    let suspended = world.load(tenant).await.status == TenantStatus::Suspended;
    for state in world.states(tenant).await {
        let wanted = if suspended { Phase::Suspended } else { Phase::Ready };
        // People stay in the group of a suspended tenant; the mailbox of a former member is suspended in any tenant.
        let part = state.subject.is_some() && matches!(state.phase, Phase::Ready | Phase::Suspended);
        prop_assert!(state.phase == wanted || part, "{:#?}", state);
    }
    // A tenant that was suspended before it had a space gets one with its restoration.
    let spaces = world.spaces(tenant).len();
    prop_assert!(spaces == 1 || (suspended && spaces == 0), "{} spaces", spaces);
    prop_assert_eq!(world.groups().iter().filter(|(name, _)| name == "acme").count(), 1);
    let wants = usize::from(world.load(tenant).await.isolated_login);
    prop_assert_eq!(world.login_parts(), [wants; 4]);
    prop_assert_eq!(usize::from(world.issuer(tenant).await.is_some()), wants);
    let mut active = 0;
    for user in &people {
        active += usize::from(world.membership(tenant, *user).await.unwrap().active);
    }
    prop_assert_eq!(world.members("acme").len(), active);
    // Nothing is left to change: another look writes nothing.
    let writes = [world.authentik.writes(), world.ocis.writes()];
    world.service.check_workspace(&system(), &tenant.into()).await.unwrap();
    world.settle().await;
    let after = [world.authentik.writes(), world.ocis.writes()];
    // Where there is no space, the client asks for a refusal, to tell absence from a lack of rights.
    prop_assert!(after == writes || spaces == 0, "{:?} after {:?}", after, writes);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn random_changes_under_random_faults_come_to_rest() {
    let runtime = tokio::runtime::Handle::current();
    let ran = tokio::task::spawn_blocking(move || {
        let config = Config { cases: 12, failure_persistence: None, max_shrink_iters: 40, ..Config::default() };
        let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[17; 32]));
        runner.run(&(prop::collection::vec(step(), 4..24), any::<u64>()), |(steps, seed)| {
            runtime.block_on(converges(&steps, seed))
        })
    });
    ran.await.unwrap().unwrap();
}
