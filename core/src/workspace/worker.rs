//! The worker: claims states that are due, and runs over several of them at a time.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{
    FutureExt as _, StreamExt as _, TryStreamExt as _,
    future::BoxFuture,
    stream::{self, FuturesUnordered},
};

use super::{
    breaker::Breakers,
    claim::{Claimed, call},
    desired::WorkspaceSettings,
    dns,
    mail::passwords::Reached,
    planned::PlannedRun,
    reconcile::{self, Ended},
    schedule,
    systems::Systems,
};
use crate::{
    domain::{
        SystemStateId, TenantId, Versioned as _,
        workspace::{STATES_BY_DUE, STATES_OF_TENANT, SYSTEM_STATES, SystemKind, SystemState},
    },
    error::{Error, Result},
    service::{MailPasswords, Service},
    store::{Commit, Filter, Query, Repository, Value},
    work::is_overtaken,
};

/// Number of states that a worker runs over at a time.
const AT_A_TIME: usize = 32;

/// Number of states of a tenant that a dry run compares.
const MOST_PLANNED: u32 = 1_000;

/// Number of states that a dry run compares at a time.
const PLANNED_AT_A_TIME: usize = 8;

/// Number of due states read at a time.
const BATCH: u32 = 64;

/// A worker over the systems that this process reaches. Any number of them work on one store.
#[derive(Debug)]
pub struct Worker {
    systems: Systems,
    settings: WorkspaceSettings,
    breakers: Breakers,
}

impl Worker {
    /// Creates a worker.
    #[must_use]
    pub fn new(systems: Systems, settings: WorkspaceSettings) -> Self {
        Self { systems, settings, breakers: Breakers::default() }
    }

    /// Returns the mail system for use cases, if this process reaches one.
    #[must_use]
    pub fn mail_passwords(&self) -> Option<Arc<dyn MailPasswords>> {
        let mail = self.systems.mail.clone()?;
        Some(Arc::new(Reached(mail)))
    }

    /// Returns the time until the next state is due, zero if one is; `None` if there are no states.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn next_due(&self, service: &Service) -> Result<Option<Duration>> {
        let query = self.due().limit(1);
        let first: Vec<SystemState> = service.store().load_all(&call().context, &query).await?;
        let records = match &self.systems.dns {
            Some(_) => dns::next_due(service).await?,
            None => None,
        };
        let now = crate::work::time(service).await;
        let next = first.first().map(|state| state.next_attempt_at).into_iter().chain(records).min();
        Ok(next.map(|next| {
            let wait = next.milliseconds().saturating_sub(now.milliseconds());
            Duration::from_millis(u64::try_from(wait).unwrap_or(0))
        }))
    }

    /// Returns the systems that the worker reaches.
    #[must_use]
    pub fn systems(&self) -> &Systems {
        &self.systems
    }

    /// Returns `true` while a system is not asked because it failed several times in a row.
    #[must_use]
    pub fn is_paused(&self, system: SystemKind) -> bool {
        self.breakers.is_open(system)
    }

    /// Compares the systems of a tenant with what they should be, and tells the changes instead of making them.
    ///
    /// Only reads, in the store and in the systems. A tenant's first 1,000 states are compared: its systems first, then
    /// people and mailboxes. Those of systems that this process does not reach are left out.
    ///
    /// # Errors
    /// When the store does not answer. A system that does not is told in the result.
    pub async fn dry_run(&self, service: &Service, tenant: TenantId) -> Result<Vec<PlannedRun>> {
        let query = Query::new(&SYSTEM_STATES).sort(&STATES_OF_TENANT).equal("tenantId", tenant.0).limit(MOST_PLANNED);
        let states: Vec<SystemState> = service.store().load_all(&call().context, &query).await?;
        let reached = self.systems.kinds();
        let states = states.into_iter().filter(|state| reached.contains(&state.system));
        stream::iter(states.map(|state| reconcile::dry_run(service, &self.systems, &self.settings, state)))
            .buffered(PLANNED_AT_A_TIME)
            .try_collect()
            .await
    }

    /// Runs over all states that are due, and those that become due meanwhile. Returns the number of runs.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn run_due(self: &Arc<Self>, service: &Arc<Service>) -> Result<usize> {
        let mut running: FuturesUnordered<BoxFuture<'_, (SystemStateId, Result<bool>)>> = FuturesUnordered::new();
        // Those in flight are due until their claim is stored.
        let mut in_flight = HashSet::new();
        let mut runs = 0;
        if let Some(dns) = &self.systems.dns {
            runs += dns::check_due(service, &**dns).await?;
        }
        loop {
            let room = AT_A_TIME.saturating_sub(running.len());
            // A read for each free place would cost more than the places are worth.
            let mut begun = 0;
            if room >= AT_A_TIME / 2 || running.is_empty() {
                let mut due = self.read_due(service).await?;
                due.retain(|state| !in_flight.contains(&state.id));
                // Workers that read the same states begin at different places.
                let offset = spread(due.len());
                due.rotate_left(offset);
                for state in due.into_iter().take(room) {
                    let id = state.id;
                    in_flight.insert(id);
                    begun += 1;
                    running.push(self.run(service, state).map(move |ran| (id, ran)).boxed());
                }
            }
            if running.is_empty() {
                return Ok(runs);
            }
            if (begun == 0 || running.len() >= AT_A_TIME)
                && let Some((id, ran)) = running.next().await
            {
                in_flight.remove(&id);
                runs += usize::from(ran?);
            }
        }
    }

    /// Claims a state and runs over it. Returns `false` if another worker came first.
    async fn run(&self, service: &Service, state: SystemState) -> Result<bool> {
        let system = state.system;
        let now = crate::work::time(service).await;
        if let Some(pause) = self.breakers.pause(system, now) {
            postpone(service, &state, pause).await?;
            return Ok(false);
        }
        let Some(claimed) = Claimed::claim(service, state).await? else {
            self.breakers.released(system);
            return Ok(false);
        };
        let answers = self.systems.answers(system);
        match reconcile::run(service, &self.systems, &self.settings, claimed).await {
            Ok(Ended::Unavailable) => self.breakers.failed(system, crate::work::time(service).await),
            Ok(Ended::Settled) if self.systems.answers(system) > answers => self.breakers.answered(system),
            // One that waits for something else has not asked the system, and tells nothing of it.
            Ok(Ended::Settled | Ended::Lost) => self.breakers.released(system),
            // One broken document must not hold up all others; its claim ends by itself.
            Err(error) if error.kind() == crate::error::ErrorKind::Internal => {
                tracing::error!(?error, "a state of a workspace cannot be reconciled");
                self.breakers.released(system);
            }
            Err(error) => {
                self.breakers.released(system);
                return Err(error);
            }
        }
        Ok(true)
    }

    fn due(&self) -> Query {
        Query::new(&SYSTEM_STATES).sort(&STATES_BY_DUE)
    }

    async fn read_due(&self, service: &Service) -> Result<Vec<SystemState>> {
        let now = crate::work::time(service).await;
        let until = Value::Time(now.plus(Duration::from_millis(1)));
        let due = Filter::Range { field: "nextAttemptAt", from: None, until: Some(until) };
        let states = service.store().load_all(&call().context, &self.due().filter(due).limit(BATCH)).await?;
        Ok(states)
    }
}

/// Returns a random place in a list.
fn spread(length: usize) -> usize {
    let number = getrandom::u32().unwrap_or(0);
    usize::try_from(number).unwrap_or(0).checked_rem(length).unwrap_or(0)
}

/// Puts a state off while its system is not asked.
async fn postpone(service: &Service, state: &SystemState, pause: Duration) -> Result<()> {
    let now = crate::work::time(service).await;
    let mut later = state.clone();
    later.next_attempt_at = now.plus(pause + pause.mul_f64(schedule::random_fraction()));
    later.advance(now);
    let mut commit = Commit::new();
    commit.update(&later, state.version)?;
    match service.store().commit(&call().context, &commit).await {
        Err(error) if !is_overtaken(&error) => Err(Error::from(error)),
        _ => Ok(()),
    }
}
