//! Instances: making them, keeping those that may answer again, and their number.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use axum::response::Response;
use tokio::{
    sync::Semaphore,
    time::{sleep, timeout, timeout_at},
};
use wasmtime::{Engine, Store};

use super::{
    Backing, Bounds,
    exports::{Entrance, Linked},
    facts::RequestFacts,
    instance::{self, InstanceState},
    memory::Pool,
};

/// How long an instance without requests is kept.
const IDLE: Duration = Duration::from_secs(10);

/// How long a request waits for its turn when all instances are at work.
const TURN: Duration = Duration::from_secs(1);

/// Instances of one component. Each answers one request at a time.
pub(super) struct Instances {
    engine: Engine,
    linked: Linked,
    platform: Arc<Backing>,
    bounds: Bounds,
    /// A place for each instance at work.
    places: Semaphore,
    pool: Arc<Pool>,
    idle: Mutex<Idle>,
}

/// Instances that wait for another request, the one that came last at the end: it is the likeliest to be in the processor's caches.
#[derive(Default)]
struct Idle {
    instances: Vec<Instance>,
    /// Whether somebody looks after them.
    watched: bool,
}

/// An instance that may answer.
struct Instance {
    store: Store<InstanceState>,
    entrance: Entrance,
    /// How many requests it has answered.
    answered: usize,
    /// When it answered last.
    rests_since: Instant,
}

/// Why there is no answer.
pub(super) enum Ended {
    /// The instance died: a trap, too much memory, too much computing. Whether it had answered others before.
    Died { used: bool },
    /// It took longer than a request may.
    Late,
    /// There is no room for another instance, or no memory for this one, since others have it.
    Full,
}

impl Instances {
    /// None yet, of a linked component within bounds.
    pub(super) fn new(engine: Engine, linked: Linked, platform: Arc<Backing>, bounds: Bounds) -> Self {
        let (places, pool) = (Semaphore::new(bounds.instances), Pool::new(bounds.together));
        Self { engine, linked, platform, bounds, places, pool, idle: Mutex::default() }
    }

    /// Has an instance answer: one of its own, or one that has answered others before.
    pub(super) async fn answer(self: &Arc<Self>, alone: bool, facts: &Arc<RequestFacts>) -> Result<Response, Ended> {
        let deadline = facts.deadline().into();
        let Ok(Ok(_place)) = timeout(TURN, self.places.acquire()).await else { return Err(Ended::Full) };
        let rested = if alone { None } else { self.idle().instances.pop() };
        let mut instance = match rested {
            Some(instance) => instance,
            None => self.make().await?,
        };
        let used = instance.answered > 0;
        let Instance { store, entrance, .. } = &mut instance;
        match timeout_at(deadline, entrance.answer(store, facts)).await {
            Ok(Ok((answer, quiet))) => {
                instance.answered = instance.answered.saturating_add(1);
                // One that rests keeps its memory, so that one with more than its own does not rest.
                let modest = !instance.store.data().memory().holds();
                if quiet && modest && !alone && instance.answered < self.bounds.reuse {
                    self.rest(instance);
                }
                Ok(answer)
            }
            Ok(Err(error)) => {
                self.platform.metrics.component_died();
                tracing::error!(
                    id = facts.request_id(),
                    error = format!("{error:#}"),
                    "an instance of the component died"
                );
                if instance.store.data().memory().was_refused() { Err(Ended::Full) } else { Err(Ended::Died { used }) }
            }
            Err(_) => {
                self.platform.metrics.component_died();
                tracing::warn!(
                    id = facts.request_id(),
                    "an instance of the component ends with the time of its request"
                );
                Err(Ended::Late)
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn make(&self) -> Result<Instance, Ended> {
        self.make_room();
        let mut store = instance::store(&self.engine, Arc::clone(&self.platform), &self.bounds, &self.pool);
        match self.linked.instantiate(&mut store).await {
            Ok(entrance) => Ok(Instance { store, entrance, answered: 0, rests_since: Instant::now() }),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "an instance of the component cannot be made");
                Err(Ended::Full)
            }
        }
    }

    /// Ends those that have rested longest, if they hold the place of one that is to be made.
    fn make_room(&self) {
        let ended: Vec<_> = {
            let mut idle = self.idle();
            let over = idle.instances.len().saturating_sub(self.places.available_permits());
            idle.instances.drain(..over).collect()
        };
        drop(ended);
    }

    /// The instance may answer another request.
    fn rest(self: &Arc<Self>, mut instance: Instance) {
        instance.rests_since = Instant::now();
        let mut idle = self.idle();
        idle.instances.push(instance);
        if !idle.watched {
            idle.watched = true;
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Ends what has rested for too long. Returns whether there is nothing left to look after.
    fn sweep(&self) -> bool {
        let mut idle = self.idle();
        let long = idle.instances.partition_point(|instance| instance.rests_since.elapsed() >= IDLE);
        let ended: Vec<_> = idle.instances.drain(..long).collect();
        idle.watched = !idle.instances.is_empty();
        let done = !idle.watched;
        drop(idle);
        drop(ended);
        done
    }
}

/// Ends instances that rest for too long, until there is none.
async fn watch(instances: Weak<Instances>) {
    loop {
        sleep(IDLE).await;
        if instances.upgrade().is_none_or(|instances| instances.sweep()) {
            return;
        }
    }
}
