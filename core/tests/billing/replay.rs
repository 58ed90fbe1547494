//! Ten thousand events, shuffled, repeated, delayed and tampered with, end in the state of those in order.

use std::collections::BTreeMap;

use dezky::{clock::Clock as _, domain::TenantId, emulators::stripe::StripeEvent, store::SharedStore};

use crate::{
    support::on_every_store,
    world::{World, code},
};

on_every_store! {
    shuffled_events_end_where_those_in_order_do,
}

/// Number of deliveries of the shuffled run, with the refused ones.
const DELIVERIES: usize = 10_000;

const TENANTS: usize = 40;

/// Random numbers that are the same in each run (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap() % bound
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for place in (1..items.len()).rev() {
            items.swap(place, self.below(place + 1));
        }
    }
}

/// Something that happens at Stripe to the subscription of a tenant.
#[derive(Debug, Clone)]
enum Step {
    Subscribes { tenant: usize, plan: &'static str, seats: u32 },
    Becomes { tenant: usize, status: &'static str },
    Changes { tenant: usize, price: &'static str, seats: u64 },
    Ends { tenant: usize, ends: bool },
}

/// Draws what happens, the same for each run: as far as a subscription goes at Stripe.
fn steps(seed: u64) -> Vec<Step> {
    let mut random = Random(seed);
    let mut live = [false; TENANTS];
    let mut steps = Vec::new();
    for _ in 0..TENANTS * 25 {
        let tenant = random.below(TENANTS);
        if !live[tenant] {
            live[tenant] = true;
            let plan = if random.below(2) == 0 { "team" } else { "firm" };
            steps.push(Step::Subscribes { tenant, plan, seats: 1 + u32::try_from(random.below(49)).unwrap() });
            continue;
        }
        steps.push(match random.below(10) {
            0 => {
                live[tenant] = false;
                Step::Becomes { tenant, status: "canceled" }
            }
            1..=2 => Step::Becomes { tenant, status: "past_due" },
            3..=4 => Step::Becomes { tenant, status: "active" },
            5 => Step::Becomes { tenant, status: "paused" },
            6 => Step::Becomes { tenant, status: "dormant" },
            7..=8 => {
                let price = if random.below(2) == 0 { "price_team" } else { "price_firm" };
                Step::Changes { tenant, price, seats: 1 + random.below(49) as u64 }
            }
            _ => Step::Ends { tenant, ends: random.below(2) == 0 },
        });
    }
    // Each ends in a state that Dezky knows.
    for (tenant, live) in live.into_iter().enumerate() {
        if live {
            steps.push(Step::Becomes { tenant, status: if tenant % 2 == 0 { "active" } else { "past_due" } });
        }
    }
    steps
}

struct Run {
    world: World,
    tenants: Vec<TenantId>,
    subscriptions: BTreeMap<usize, String>,
}

impl Run {
    async fn on(store: SharedStore) -> Self {
        let world = World::on(store).await;
        let mut tenants = Vec::new();
        for number in 0..TENANTS {
            tenants.push(world.tenant(&format!("tenant-{number}")).await);
        }
        Self { world, tenants, subscriptions: BTreeMap::new() }
    }

    /// Takes a step at Stripe. Returns `false` if it has to wait: a checkout is refused as long as Dezky does not know that the
    /// former plan has ended.
    async fn take(&mut self, step: &Step) -> bool {
        let (stripe, now) = (self.world.stripe.system(), self.world.clock.now());
        let id = |tenant: &usize| self.subscriptions[tenant].clone();
        match step {
            Step::Subscribes { tenant, plan, seats } => {
                let Ok(url) = self.world.checkout(self.tenants[*tenant], plan, *seats).await else { return false };
                let id = stripe.complete(url.rsplit('/').next().unwrap(), now).unwrap();
                self.subscriptions.insert(*tenant, id);
            }
            Step::Becomes { tenant, status } => stripe.set_status(&id(tenant), status, now),
            Step::Changes { tenant, price, seats } => stripe.set_item(&id(tenant), price, *seats, now),
            Step::Ends { tenant, ends } => stripe.set_ending(&id(tenant), *ends, now),
        }
        true
    }

    async fn shown(&self) -> Vec<serde_json::Value> {
        let mut shown = Vec::new();
        for tenant in &self.tenants {
            shown.push(self.world.shown(*tenant).await);
        }
        shown
    }
}

/// Delivers an event as an attacker, or a proxy that rewrites bodies.
async fn tamper(world: &World, event: &StripeEvent, random: &mut Random) {
    let now = world.clock.now();
    let signature = world.stripe.system().signature(&event.body, now);
    let refused = match random.below(4) {
        0 => world.receive(Some(&signature), &event.body.replacen("\"id\":", "\"id\" :", 1)).await,
        1 => world.receive(Some(&signature.replace("v1=", "v1=00")), &event.body).await,
        2 => world.receive(None, &event.body).await,
        _ => {
            let old = world.stripe.system().signature(&event.body, now.minus(std::time::Duration::from_secs(400)));
            world.receive(Some(&old), &event.body).await
        }
    };
    assert!(code(refused).starts_with("webhook_"));
}

async fn shuffled_events_end_where_those_in_order_do(store: SharedStore) {
    const SEED: u64 = 20_261_130;
    let steps = steps(SEED);
    let reference = crate::support::sqlite();
    let mut ordered = Run::on(std::sync::Arc::clone(&reference.store)).await;
    for step in &steps {
        assert!(ordered.take(step).await);
        ordered.world.settle().await;
    }
    let expected = ordered.shown().await;

    let mut random = Random(SEED + 1);
    let mut shuffled = Run::on(store).await;
    let (mut pool, mut all, mut deliveries) = (Vec::new(), Vec::new(), 0);
    for step in &steps {
        if !shuffled.take(step).await {
            random.shuffle(&mut pool);
            for event in pool.drain(..) {
                shuffled.world.deliver(&event).await.unwrap();
                deliveries += 1;
                all.push(event);
            }
            shuffled.world.work().await;
            assert!(shuffled.take(step).await);
        }
        pool.extend(shuffled.world.stripe.system().take_events());
        // Some arrive now, in any order; some much later.
        if random.below(12) == 0 {
            random.shuffle(&mut pool);
            let number = random.below(pool.len() + 1);
            for event in pool.drain(..number) {
                shuffled.world.deliver(&event).await.unwrap();
                deliveries += 1;
                all.push(event);
            }
            shuffled.world.work().await;
        }
    }
    all.append(&mut pool);
    while deliveries < DELIVERIES {
        random.shuffle(&mut all);
        for event in &all {
            if random.below(5) == 0 {
                tamper(&shuffled.world, event, &mut random).await;
            } else {
                shuffled.world.deliver(event).await.unwrap();
            }
            deliveries += 1;
        }
        shuffled.world.work().await;
    }
    // Those that were tampered with in every round.
    for event in &all {
        shuffled.world.deliver(event).await.unwrap();
    }
    shuffled.world.work().await;
    let found = shuffled.shown().await;
    for (tenant, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "tenant {tenant}, seed {SEED}");
    }
    assert!(all.len() > 1_500, "{} events", all.len());
}
