//! Claims: a worker's hold on a state, fenced by version and by a name drawn for each claim.

use std::time::Duration;

use crate::{
    clock::Timestamp,
    context::SystemActor,
    domain::{
        ObjectId, Versioned as _,
        workspace::{Phase, SystemState},
    },
    error::{Error, Result},
    service::{
        Call, Service, conflict,
        unit_of_work::{Subject, UnitOfWork},
    },
    store::{Commit, Repository},
    work::is_overtaken,
};

/// Duration of a claim. A worker that is gone for ever holds a state up for so long.
pub(super) const DURATION: Duration = Duration::from_secs(30);

/// Time that must be left of a claim before a change is begun, so that it ends before another worker may begin one. Longer than the
/// time limit of a request.
const LEFT_FOR_A_CHANGE: Duration = Duration::from_secs(18);

/// A state that this worker has claimed.
#[derive(Debug)]
pub(super) struct Claimed {
    /// The state as it is stored.
    pub(super) state: SystemState,
    /// Name of this claim. `None` if the state is only looked at, and nothing of it is stored.
    owner: Option<String>,
}

/// End of a run before the desired state is reached.
#[derive(Debug)]
pub(super) enum Stopped {
    /// Another worker has claimed the state, since this one was too slow. It writes nothing more.
    Lost,
    /// Something else has to happen first.
    Waits(crate::workspace::plan::Obstacle),
    /// A system does not do what is asked.
    System(crate::connectors::ConnectorError),
    /// The store does not answer, or holds something unexpected.
    Store(Error),
}

impl From<crate::connectors::ConnectorError> for Stopped {
    fn from(error: crate::connectors::ConnectorError) -> Self {
        Self::System(error)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<crate::store::StoreError> for Stopped {
    fn from(error: crate::store::StoreError) -> Self {
        Self::Store(error.into())
    }
}

/// Returns a call of the controllers, with a deadline of its own.
pub(super) fn call() -> Call {
    Call::by_part(SystemActor::Provisioning)
}

impl Claimed {
    /// Claims a state that is due. Returns `None` if another worker came first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(super) async fn claim(service: &Service, state: SystemState) -> Result<Option<Self>> {
        let call = call();
        let now = crate::work::time(service).await;
        let owner = ObjectId::generate().to_string();
        let stored = state.version;
        let mut claimed = Self { state, owner: Some(owner.clone()) };
        hold(&mut claimed.state, &owner, now);
        if claimed.state.phase == Phase::Pending {
            claimed.state.phase = Phase::Working;
        }
        claimed.state.advance(now);
        let mut commit = Commit::new();
        commit.update(&claimed.state, stored)?;
        match service.store().commit(&call.context, &commit).await {
            Ok(()) => Ok(Some(claimed)),
            Err(error) if is_overtaken(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes a state that is only looked at: nothing of it is stored.
    pub(super) fn unclaimed(state: SystemState) -> Self {
        Self { state, owner: None }
    }

    /// Returns `true` if the state is only looked at.
    pub(super) fn is_dry(&self) -> bool {
        self.owner.is_none()
    }

    /// Extends the claim if too little of it is left for a change.
    pub(super) async fn keep(&mut self, service: &Service) -> Result<(), Stopped> {
        if self.is_dry() {
            return Ok(());
        }
        let now = crate::work::time(service).await;
        if self.state.leased_until.is_some_and(|until| until > now.plus(LEFT_FOR_A_CHANGE)) {
            return Ok(());
        }
        // A claim that has ended may be another's already: its version tells.
        self.save(service, hold, |_, _| Ok(())).await
    }

    /// Stores the id of an object, as soon as it is known.
    pub(super) async fn remember(&mut self, service: &Service, object: &str, id: Option<&str>) -> Result<(), Stopped> {
        if self.state.external_id(object) == id {
            return Ok(());
        }
        self.save(service, |state, _, _| state.set_external_id(object, id), |_, _| Ok(())).await
    }

    /// Changes the state and stores it with other changes in one commit, if the claim still holds.
    ///
    /// A change of the tenant may have marked the state meanwhile. Then it is read again, and keeps that mark.
    pub(super) async fn save(
        &mut self,
        service: &Service,
        edit: impl Fn(&mut SystemState, &str, Timestamp) + Send + Sync,
        extra: impl Fn(&mut UnitOfWork<'_>, &SystemState) -> Result<()> + Send + Sync,
    ) -> Result<(), Stopped> {
        let Some(name) = self.owner.clone() else {
            edit(&mut self.state, "", crate::work::time(service).await);
            return Ok(());
        };
        let call = call();
        loop {
            let outcome = service
                .attempt(|moment| {
                    let (state, owner, edit, extra, call) = (&self.state, name.as_str(), &edit, &extra, &call);
                    async move {
                        let now = moment.now();
                        let mut edited = state.clone();
                        edit(&mut edited, owner, now);
                        edited.advance(now);
                        let mut work = UnitOfWork::new(call, super::actor(), &moment);
                        work.commit.update(&edited, state.version)?;
                        extra(&mut work, &edited)?;
                        match service.store().commit(&call.context, &work.commit).await {
                            Ok(()) => Ok(edited),
                            Err(error) if is_overtaken(&error) => Err(conflict(error)),
                            Err(error) => Err(error.into()),
                        }
                    }
                })
                .await;
            match outcome {
                Ok(edited) => {
                    self.state = edited;
                    return Ok(());
                }
                Err(error) if error.is(crate::error::Code::CONFLICT) => {
                    let stored: Option<SystemState> = service.store().load(&call.context, self.state.id).await?;
                    match stored.filter(|stored| stored.lease_owner.as_deref() == Some(name.as_str())) {
                        // The state itself is as it was: something else of the commit has changed.
                        Some(stored) if stored.version == self.state.version => return Err(error.into()),
                        Some(stored) => self.state = stored,
                        None => return Err(Stopped::Lost),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Returns whom events about the state concern.
    pub(super) fn subject(&self) -> Subject {
        Subject { tenant: Some(self.state.tenant_id), user: None }
    }
}

/// Sets the claim. The next attempt is at its end, so that a worker that is gone orphans nothing.
fn hold(state: &mut SystemState, owner: &str, now: Timestamp) {
    let until = now.plus(DURATION);
    state.lease_owner = Some(owner.to_owned());
    state.leased_until = Some(until);
    state.next_attempt_at = until;
}

/// Ends the claim.
pub(super) fn release(state: &mut SystemState) {
    state.lease_owner = None;
    state.leased_until = None;
}
