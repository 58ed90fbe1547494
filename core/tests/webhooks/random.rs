//! Random sequences of changes, failures, pauses and replays: each endpoint gets its events, no other's, and in order where order is
//! kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use dezky::{
    domain::{DeliveryStatus, EventEndpointView, TenantId, UpdateTenant},
    service::{audit::AuditFilter, event_endpoints::Replay},
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

use super::{
    server::{Arrived, Server, answer},
    support::{self, system},
    world::{World, verifies},
};

const TENANTS: usize = 2;

/// What the receivers answer.
const ANSWERS: [u16; 5] = [200, 204, 500, 503, 400];

#[derive(Debug, Clone, Copy)]
enum Step {
    /// Changes a tenant.
    Rename(usize),
    /// Suspends a tenant, or restores it.
    Toggle(usize),
    /// Lets receivers answer like this from now on.
    Answer(usize),
    /// Makes what is due.
    Deliver,
    /// Lets minutes pass.
    Pass(u64),
    /// Has everything of an endpoint that has failed delivered again.
    Replay(usize),
    /// Gives an endpoint another secret.
    Rotate(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..TENANTS).prop_map(Step::Rename),
        1 => (0..TENANTS).prop_map(Step::Toggle),
        2 => (0..ANSWERS.len()).prop_map(Step::Answer),
        3 => Just(Step::Deliver),
        2 => (1..600_u64).prop_map(Step::Pass),
        1 => (0..3_usize).prop_map(Step::Replay),
        1 => (0..3_usize).prop_map(Step::Rotate),
    ]
}

/// An endpoint with its receiver and secrets.
struct Target {
    endpoint: EventEndpointView,
    tenant: Option<TenantId>,
    types: &'static [&'static str],
    secrets: Vec<String>,
    receiver: Server,
}

async fn run(steps: &[Step]) -> Result<(), TestCaseError> {
    let fixture = support::sqlite();
    let world = World::on(Arc::clone(&fixture.store)).await;
    let tenants = [world.tenant, support::tenant(&world.service, "other").await];
    // Tenants are older than their endpoints.
    world.clock.advance(Duration::from_millis(1));
    let status = Arc::new(Mutex::new(200_u16));
    let mut targets = Vec::new();
    for (tenant, types) in
        [(Some(tenants[0]), &["tenant.*"][..]), (Some(tenants[1]), &["tenant.update"][..]), (None, &["tenant.*"][..])]
    {
        let status = Arc::clone(&status);
        let receiver = Server::start(move |_, _| {
            let now = *status.lock().unwrap();
            std::future::ready(answer(now, &[], ""))
        })
        .await;
        let (endpoint, secret) = world.endpoint(tenant, &receiver.url, types).await;
        targets.push(Target { endpoint, tenant, types, secrets: vec![secret], receiver });
    }
    let (mut suspended, mut refused, mut begun) = ([false; TENANTS], false, 0);
    for step in steps {
        begun += 1;
        match *step {
            Step::Rename(tenant) => {
                let input = UpdateTenant::read(json!({"name": format!("Name {begun}")})).unwrap();
                world.service.update_tenant(&system(), &tenants[tenant].into(), input).await.unwrap();
            }
            Step::Toggle(tenant) => {
                let of = tenants[tenant].into();
                if suspended[tenant] {
                    world.service.restore_tenant(&system(), &of).await.unwrap();
                } else {
                    world.service.suspend_tenant(&system(), &of).await.unwrap();
                }
                suspended[tenant] = !suspended[tenant];
            }
            Step::Answer(choice) => {
                *status.lock().unwrap() = ANSWERS[choice];
                refused |= ANSWERS[choice] >= 400;
            }
            Step::Deliver => world.deliver().await,
            Step::Pass(minutes) => world.clock.advance(Duration::from_secs(60 * minutes)),
            Step::Replay(target) => {
                let replay = Replay::Status { status: DeliveryStatus::Failed, since: None };
                world.service.replay_events(&system(), targets[target].endpoint.id, replay).await.unwrap();
            }
            Step::Rotate(target) => {
                let id = targets[target].endpoint.id;
                let rotated = world.service.rotate_event_endpoint(&system(), id).await.unwrap().value;
                targets[target].secrets.push(rotated.secret.unwrap().0);
            }
        }
    }
    // In the end all is well again, and nothing is left over.
    *status.lock().unwrap() = 200;
    world.deliver().await;
    for _ in 0..40 {
        let Some(wait) = world.webhooks.next_due(&world.service).await.unwrap() else { break };
        world.clock.advance(wait);
        world.deliver().await;
    }
    let trail = trail(&world).await;
    for target in &targets {
        check(target, &trail, refused)?;
    }
    Ok(())
}

/// Returns all audit events, the oldest first: id, tenant and action.
async fn trail(world: &World) -> Vec<(String, Option<TenantId>, String)> {
    let (mut all, mut request) = (Vec::new(), dezky::service::ListRequest { limit: Some(200), cursor: None });
    loop {
        let page = world.service.list_audit(&system(), &AuditFilter::default(), &request).await.unwrap();
        all.extend(page.items.into_iter().map(|event| (event.id.to_string(), event.tenant_id, event.action)));
        match page.next_cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    all.reverse();
    all
}

fn check(target: &Target, trail: &[(String, Option<TenantId>, String)], refused: bool) -> Result<(), TestCaseError> {
    let body = |request: &Arrived| serde_json::from_slice::<Value>(&request.body).unwrap();
    let arrived = target.receiver.arrived();
    for request in &arrived {
        prop_assert!(target.secrets.iter().any(|secret| verifies(secret, request)), "a webhook is not signed");
        if let Some(tenant) = target.tenant {
            prop_assert_eq!(&body(request)["tenantId"], &json!(tenant), "an event of another tenant");
        }
    }
    let own = |(_, tenant, action): &&(String, Option<TenantId>, String)| {
        let of_tenant = target.tenant.is_none() || *tenant == target.tenant;
        let kind = if target.types == ["tenant.*"] { action.starts_with("tenant.") } else { action == "tenant.update" };
        of_tenant && kind && action != "tenant.create"
    };
    let wanted: Vec<&(String, Option<TenantId>, String)> = trail.iter().filter(own).collect();
    let ids: BTreeSet<String> =
        arrived.iter().map(|request| request.header("webhook-id").unwrap().to_owned()).collect();
    let expected: BTreeSet<String> = wanted.iter().map(|(id, ..)| id.clone()).collect();
    prop_assert_eq!(&ids, &expected, "each event has come, and no other");
    if refused {
        return Ok(());
    }
    // Without a failure each has come once, in the order of each tenant.
    prop_assert_eq!(arrived.len(), ids.len());
    let mut order: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for request in &arrived {
        let tenant = body(request)["tenantId"].as_str().unwrap_or_default().to_owned();
        order.entry(tenant).or_default().push(request.header("webhook-id").unwrap().to_owned());
    }
    for (tenant, ids) in order {
        let of_tenant = wanted.iter().filter(|(_, of, _)| of.is_some_and(|of| of.to_string() == tenant));
        let expected: Vec<&String> = of_tenant.map(|(id, ..)| id).collect();
        prop_assert_eq!(ids.iter().collect::<Vec<_>>(), expected, "the order of a tenant");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_endpoint_gets_its_events_and_no_other() {
    let runtime = tokio::runtime::Handle::current();
    let ran = tokio::task::spawn_blocking(move || {
        let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
        TestRunner::new(config).run(&vec(step(), 1..40), |steps| runtime.block_on(run(&steps)))
    });
    if let Err(error) = ran.await.unwrap() {
        panic!("{error}");
    }
}
