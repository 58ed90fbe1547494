//! Instances: creating, reusing and limiting them.

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

/// Time for which an unused instance is kept.
const IDLE: Duration = Duration::from_secs(10);

/// Longest wait of a request while all instances are busy.
const TURN: Duration = Duration::from_secs(1);

/// Instances of one component. Each answers one request at a time.
pub(super) struct Instances {
    engine: Engine,
    linked: Linked,
    platform: Arc<Backing>,
    bounds: Bounds,
    /// A permit for each busy instance.
    places: Semaphore,
    pool: Arc<Pool>,
    idle: Mutex<Idle>,
}

/// Idle instances, the most recently used at the end, since it is most likely in the processor's caches.
#[derive(Default)]
struct Idle {
    instances: Vec<Instance>,
    /// `true` if a task is watching them.
    watched: bool,
}

/// An instance that can answer a request.
struct Instance {
    store: Store<InstanceState>,
    entrance: Entrance,
    /// Number of requests that it has answered.
    answered: usize,
    /// Time of its last answer.
    rests_since: Instant,
}

/// The reason why there is no answer.
pub(super) enum Ended {
    /// The instance died: a trap, too much memory, or too much computing. `used` is `true` if it had answered requests
    /// before.
    Died { used: bool },
    /// It exceeded the time limit of a request.
    Late,
    /// There is no slot for another instance, or no memory for this one because others have it.
    Full,
}

impl Instances {
    /// Creates an empty pool of instances of a linked component, within bounds.
    pub(super) fn new(engine: Engine, linked: Linked, platform: Arc<Backing>, bounds: Bounds) -> Self {
        let (places, pool) = (Semaphore::new(bounds.instances), Pool::new(bounds.together));
        Self { engine, linked, platform, bounds, places, pool, idle: Mutex::default() }
    }

    /// Has an instance answer: a new one if `alone`, otherwise possibly one that has answered requests before.
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
                // An idle instance keeps its memory, so one with additional memory is not kept.
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

    /// Ends the instances that have been idle longest, if they occupy the slot of one to be created.
    fn make_room(&self) {
        let ended: Vec<_> = {
            let mut idle = self.idle();
            let over = idle.instances.len().saturating_sub(self.places.available_permits());
            idle.instances.drain(..over).collect()
        };
        drop(ended);
    }

    /// Keeps the instance for another request.
    fn rest(self: &Arc<Self>, mut instance: Instance) {
        instance.rests_since = Instant::now();
        let mut idle = self.idle();
        idle.instances.push(instance);
        if !idle.watched {
            idle.watched = true;
            tokio::spawn(watch(Arc::downgrade(self)));
        }
    }

    /// Ends instances that were idle for too long. Returns `true` if none are left to watch.
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

/// Ends instances that are idle for too long, until there are none.
async fn watch(instances: Weak<Instances>) {
    loop {
        sleep(IDLE).await;
        if instances.upgrade().is_none_or(|instances| instances.sweep()) {
            return;
        }
    }
}
