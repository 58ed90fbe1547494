//! Runs: one claimed state is compared with its system, brought to what is desired, and its result is stored.

mod by_hand;
mod domains;
mod dry;
mod group;
mod known;
mod login;
mod mailbox;
mod person;
mod space;

pub(super) use dry::dry_run;

use std::time::Duration;

use async_trait::async_trait;

use super::{
    claim::{self, Claimed, Stopped, call},
    desired::WorkspaceSettings,
    mark,
    plan::{Obstacle, Plan, holds},
    schedule,
    systems::{Drift, Systems},
    turned,
};
use crate::{
    clock::Timestamp,
    connectors::ConnectorError,
    context::RequestContext,
    domain::{
        ObjectId, Subscription, Tenant,
        workspace::{Condition, ConditionStatus, Phase, SYSTEM_STATES, SystemKind, SystemState},
    },
    error::{Code, Error, Result},
    service::{Service, unit_of_work::UnitOfWork},
    store::{Query, Read, Repository},
};

/// Number of times that a run looks again after changes, before it leaves the rest to the next run.
const MOST_LOOKS: usize = 4;

/// Name of the action of controllers in the audit trail.
pub(crate) const RECONCILED: &str = crate::domain::system_action::WORKSPACE_RECONCILE;

/// Name of what controllers record with a tenant: names in its systems, and that it is active once all are ready.
///
/// It is no action of the policy, and no cause for another look: nothing that is desired follows from it.
pub(super) const PROVISIONED: &str = crate::domain::system_action::TENANT_PROVISION;

/// Type of the condition that tells if a system does what is asked.
const REACHABLE: &str = "Reachable";

/// Type of the condition that tells if a system was as Dezky left it.
const IN_SYNC: &str = "InSync";

/// Number of failures in a row beyond which the wait does not grow while the system answers in between.
const WHILE_IT_ANSWERS: u32 = 4;

/// Number of characters of a failure that are stored.
const MOST_ERROR: usize = 500;

/// A further change in the commit that ends a run.
type Extra = Box<dyn Fn(&mut UnitOfWork<'_>, &SystemState) -> Result<()> + Send + Sync>;

/// The result of a run that came to an end.
struct Settled {
    phase: Phase,
    conditions: Vec<Condition>,
    /// Obstacles that are left.
    obstacles: Vec<Obstacle>,
    /// Time of the next look, if it is known.
    next: Option<Timestamp>,
    /// Further changes of the same commit.
    extra: Option<Extra>,
    /// Bytes in use, if the system has told.
    used: Option<u64>,
    /// `true` if the state itself is of no more use.
    gone: bool,
    /// `true` if it is looked at on request only, once it is as it should be.
    rests: bool,
}

impl Settled {
    /// Creates the result of a comparison that found nothing more to change.
    fn new(phase: Phase, obstacles: Vec<Obstacle>, fine: Vec<Condition>, now: Timestamp) -> Self {
        let reached = match phase {
            _ if obstacles.is_empty() => phase,
            _ if obstacles.iter().all(|obstacle| obstacle.passes) => Phase::Waiting,
            _ => Phase::Failed,
        };
        let told: Vec<Condition> = obstacles.iter().map(|obstacle| obstacle.shown(now)).collect();
        let fine = fine.into_iter().filter(|fine| !told.iter().any(|one| one.kind == fine.kind));
        let conditions = fine.chain(told.iter().cloned()).collect();
        Self { phase: reached, conditions, obstacles, next: None, extra: None, used: None, gone: false, rests: false }
    }

    /// Creates the result for a subject that no longer exists.
    fn gone() -> Self {
        Self {
            phase: Phase::Removed,
            conditions: Vec::new(),
            obstacles: Vec::new(),
            next: None,
            extra: None,
            used: None,
            gone: true,
            rests: true,
        }
    }
}

/// A unit that changes are made in.
#[async_trait]
trait Unit<C>: Send + Sync {
    /// Returns the name of a change in the audit trail.
    fn name(&self, change: &C) -> String;

    /// Makes a change, and stores the ids that it comes to.
    async fn apply(&self, run: &mut Run<'_>, change: &C) -> Result<(), Stopped>;
}

/// A tenant with its subscription, as the store holds them.
struct Owner {
    tenant: Tenant,
    subscription: Option<Subscription>,
}

/// A run over one claimed state.
pub(super) struct Run<'a> {
    service: &'a Service,
    systems: &'a Systems,
    settings: &'a WorkspaceSettings,
    claimed: Claimed,
    /// Names of the changes that were made.
    changes: Vec<String>,
    /// Answers of the system before the run.
    answers: u64,
}

/// What a run came to, for metrics and for waking others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The state is as desired, or waits for something that conditions name.
    Settled,
    /// The system does not answer.
    Unavailable,
    /// Another worker has taken over.
    Lost,
}

/// Runs over a claimed state and stores the result.
///
/// # Errors
/// When the store does not answer. The claim then ends by itself.
pub(super) async fn run(
    service: &Service,
    systems: &Systems,
    settings: &WorkspaceSettings,
    claimed: Claimed,
) -> Result<Ended> {
    let answers = systems.answers(claimed.state.system);
    let mut run = Run { service, systems, settings, claimed, changes: Vec::new(), answers };
    let generation = run.claimed.state.wanted_generation;
    let ended = match run.reconcile().await {
        Ok(settled) => run.settled(settled, generation).await,
        Err(Stopped::System(error)) => run.failed(&error).await,
        Err(Stopped::Waits(obstacle)) => {
            let now = crate::work::time(service).await;
            run.settled(Settled::new(Phase::Ready, vec![obstacle], Vec::new(), now), generation).await
        }
        Err(stopped) => Err(stopped),
    };
    let ended = match ended {
        // A document that the result rests on has changed since it was read.
        Err(Stopped::Store(error)) if error.is(Code::CONFLICT) => run.again().await,
        ended => ended,
    };
    match ended {
        Ok(ended) => Ok(ended),
        Err(Stopped::Lost) => Ok(Ended::Lost),
        Err(Stopped::Waits(obstacle)) => Err(Error::internal(obstacle.message)),
        Err(Stopped::System(error)) => Err(Error::internal(error.to_string())),
        Err(Stopped::Store(error)) => Err(error),
    }
}

impl Run<'_> {
    /// Compares the state with its system, and makes the changes.
    async fn reconcile(&mut self) -> Result<Settled, Stopped> {
        match (self.claimed.state.system, self.claimed.state.subject) {
            (SystemKind::Identity, None) => group::reconcile(self).await,
            (SystemKind::Identity, Some(user)) => person::reconcile(self, user).await,
            (SystemKind::Mail, None) => domains::reconcile(self).await,
            (SystemKind::Mail, Some(mailbox)) => mailbox::reconcile(self, mailbox).await,
            (SystemKind::Files, _) => space::reconcile(self).await,
            (SystemKind::Meetings | SystemKind::Chat, _) => by_hand::reconcile(self).await,
        }
    }

    /// Returns a context with a deadline of its own, for one request to a system.
    fn context(&self) -> RequestContext {
        call().context
    }

    /// Returns the time from the deletion of a tenant to the removal of its data.
    fn grace(&self) -> Duration {
        self.service.settings().grace
    }

    /// Reads the tenant, its subscription, and further documents.
    async fn owner(&self, further: Vec<Read>) -> Result<(Option<Owner>, crate::store::Answers), Stopped> {
        let tenant = self.claimed.state.tenant_id;
        let mut reads: Vec<Read> = vec![
            Query::new(&crate::domain::tenant::TENANTS).equal("id", tenant.0).limit(1).into(),
            Query::unique(&crate::domain::subscription::SUBSCRIPTIONS, Subscription::current_key(tenant)).into(),
        ];
        reads.extend(further);
        let mut answers = self.service.store().load_together(&self.context(), &reads).await?;
        let tenant: Option<Tenant> = answers.first()?;
        let subscription: Option<Subscription> = answers.first()?;
        Ok((tenant.map(|tenant| Owner { tenant, subscription }), answers))
    }

    /// Returns the read of another state of the tenant.
    fn state_of(&self, system: SystemKind, subject: Option<ObjectId>) -> Read {
        Query::unique(&SYSTEM_STATES, SystemState::key(self.claimed.state.tenant_id, system, subject)).into()
    }

    /// Returns `true` if nobody has asked for a change since the system was last as desired.
    fn is_look(&self) -> bool {
        let state = &self.claimed.state;
        state.reached_generation > 0 && state.reached_generation == state.wanted_generation && state.attempts == 0
    }

    /// Names a change in the audit trail. Returns `false` if it must not be made, because the state is only looked at.
    fn does(&mut self, change: &str) -> bool {
        self.changes.push(change.to_owned());
        !self.claimed.is_dry()
    }

    /// Makes changes, one after the other. Returns `false` if they are only told: in a dry run, and of drift.
    async fn make<C: Send + Sync>(&mut self, plan: &mut Plan<C>, unit: &impl Unit<C>) -> Result<bool, Stopped> {
        if self.claimed.is_dry() {
            self.changes.extend(plan.changes.iter().map(|change| unit.name(change)));
            return Ok(false);
        }
        if self.is_look() && self.changes.is_empty() {
            let names = plan.changes.iter().map(|change| unit.name(change)).collect::<Vec<_>>().join(", ");
            tracing::warn!(
                tenant = %self.claimed.state.tenant_id, system = ?self.claimed.state.system, changes = names,
                "a system is not as it was left"
            );
            if self.systems.drift == Drift::Report {
                plan.changes.clear();
                plan.blocked(
                    IN_SYNC,
                    "Drift",
                    format!("somebody has changed the system; to undo it would take: {names}"),
                );
                return Ok(false);
            }
            self.changes.push("drift".to_owned());
        }
        let changes = std::mem::take(&mut plan.changes);
        for change in &changes {
            self.claimed.keep(self.service).await?;
            unit.apply(self, change).await?;
            self.changes.push(unit.name(change));
        }
        Ok(true)
    }

    /// Stores the result of a run that came to an end.
    async fn settled(&mut self, settled: Settled, generation: u64) -> Result<Ended, Stopped> {
        let Settled { phase, mut conditions, obstacles, next, extra, used, gone, rests } = settled;
        let now = crate::work::time(self.service).await;
        let fraction = schedule::random_fraction();
        let state = &self.claimed.state;
        let waits = obstacles.iter().all(|obstacle| obstacle.passes);
        let attempts = if obstacles.is_empty() || !waits { 0 } else { state.attempts.saturating_add(1) };
        let wait = match () {
            () if rests && (obstacles.is_empty() || state.system.is_by_hand()) => schedule::RESTING,
            () if obstacles.is_empty() => schedule::look(now, self.settings.look_interval, state.id),
            () if waits => schedule::waiting(state.attempts, fraction),
            () => schedule::until_a_person_acts(fraction),
        };
        // What was in use before is still in use, only not as it should be.
        let phase = match phase {
            Phase::Failed if matches!(state.phase, Phase::Ready | Phase::Degraded) => Phase::Degraded,
            phase => phase,
        };
        conditions.push(holds(REACHABLE, "Answers", now));
        let due = next.map_or(now.plus(wait), |next| next.min(now.plus(wait)).max(now));
        let reached = obstacles.is_empty();
        let mut changes = std::mem::take(&mut self.changes);
        if reached && !gone && self.claimed.state.reached_generation == 0 {
            // A worker that was killed may have told nothing of what it did; that it is done is told in any case.
            changes.push("ready".to_owned());
        }
        if self.claimed.state.subject.is_none() && !gone {
            // In the commit of the phase: whoever waits for it would wait for ever if this were told afterwards, and was not.
            changes.extend(turned::turn(self.claimed.state.phase, phase).map(str::to_owned));
        }
        let subject = self.claimed.subject();
        let tells = !changes.is_empty();
        let system = self.claimed.state.system;
        let removed = tells && phase == Phase::Removed && self.claimed.state.phase != Phase::Removed;
        self.claimed
            .save(
                self.service,
                |state, _, now| {
                    claim::release(state);
                    state.phase = phase;
                    state.set_conditions(conditions.clone());
                    state.attempts = attempts;
                    state.last_error = None;
                    state.not_before = None;
                    state.looked_at = Some(now);
                    state.used_bytes = used.or(state.used_bytes);
                    if reached {
                        state.reached_generation = state.reached_generation.max(generation);
                    }
                    // A mark that came meanwhile is looked at next.
                    state.next_attempt_at = if state.wanted_generation > generation { now } else { due };
                },
                |work, state| {
                    if tells {
                        let id = state.id.0;
                        if removed {
                            work.removing(crate::domain::Choice::name(system), 1);
                        }
                        work.note(RECONCILED, "workspace", id, subject.clone(), changes.clone())?;
                    }
                    if let Some(extra) = &extra {
                        extra(work, state)?;
                    }
                    if gone {
                        work.commit.changes.retain(|change| change.id() != state.id.0);
                        let mut stored = state.clone();
                        stored.version = stored.version.saturating_sub(1);
                        work.commit.delete(&stored);
                    }
                    Ok(())
                },
            )
            .await?;
        Ok(Ended::Settled)
    }

    /// Stores the failure of a run.
    async fn failed(&mut self, error: &ConnectorError) -> Result<Ended, Stopped> {
        let fraction = schedule::random_fraction();
        // A run that got on begins to count anew.
        let before = if self.changes.is_empty() { self.claimed.state.attempts } else { 0 };
        // One that answers in between is not down, and soon gives all answers that a run needs.
        let answers = self.systems.answers(self.claimed.state.system) > self.answers;
        let attempts = if answers { before.saturating_add(1).min(WHILE_IT_ANSWERS) } else { before.saturating_add(1) };
        let (wait, passes) = match error {
            ConnectorError::Retryable { after, .. } => (schedule::retry(attempts, *after, fraction), true),
            // Somebody else has made it meanwhile: the next look sees it.
            ConnectorError::Conflict { .. } => (schedule::retry(attempts, None, fraction), true),
            // Credentials are exchanged and systems upgraded without a word to Dezky.
            _ => (schedule::retry(attempts.saturating_add(4), None, fraction), false),
        };
        let asked = matches!(error, ConnectorError::Retryable { after: Some(_), .. });
        let message: String = error.to_string().chars().take(MOST_ERROR).collect();
        tracing::debug!(tenant = %self.claimed.state.tenant_id, system = ?self.claimed.state.system, error = message, "a system fails");
        let changes = std::mem::take(&mut self.changes);
        let subject = self.claimed.subject();
        self.claimed
            .save(
                self.service,
                |state, _, now| {
                    claim::release(state);
                    state.attempts = attempts;
                    state.last_error = Some(message.clone());
                    state.next_attempt_at = now.plus(wait);
                    state.not_before = asked.then(|| now.plus(wait));
                    state.phase = match state.phase {
                        Phase::Ready | Phase::Degraded => Phase::Degraded,
                        Phase::Removing | Phase::Suspended => state.phase,
                        _ if passes => Phase::Waiting,
                        _ => Phase::Failed,
                    };
                    let told = Condition {
                        kind: REACHABLE.to_owned(),
                        status: ConditionStatus::False,
                        reason: error.reason().to_owned(),
                        message: message.clone(),
                        since: now,
                    };
                    let others = state.conditions.iter().filter(|one| one.kind != REACHABLE).cloned();
                    state.set_conditions(others.chain([told]).collect());
                },
                |work, state| match changes.is_empty() {
                    true => Ok(()),
                    false => {
                        let id = state.id.0;
                        work.note(RECONCILED, "workspace", id, subject.clone(), changes.clone())
                    }
                },
            )
            .await?;
        // A refused credential is refused for all; systems ban addresses that go on trying.
        let refused = matches!(error, ConnectorError::Unauthorized { .. });
        Ok(if (passes && !answers) || refused { Ended::Unavailable } else { Ended::Settled })
    }

    /// Gives the state back at once, because a document that it rests on has changed.
    async fn again(&mut self) -> Result<Ended, Stopped> {
        self.claimed
            .save(
                self.service,
                |state, _, now| {
                    claim::release(state);
                    state.next_attempt_at = now;
                },
                |_, _| Ok(()),
            )
            .await?;
        Ok(Ended::Settled)
    }
}

/// Returns a wait as an obstacle that passes.
fn wait_for(condition: &'static str, reason: &'static str, message: impl Into<String>) -> Obstacle {
    Obstacle { condition, reason, message: message.into(), passes: true }
}

/// The error of a system that is not configured: its states rest.
fn not_configured(system: SystemKind) -> Stopped {
    let name = crate::domain::Choice::name(system);
    Stopped::System(ConnectorError::Rejected {
        why: format!("this process reaches no {name} system: configure it, or run the worker where it is configured"),
    })
}
