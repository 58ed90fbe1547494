//! The driver: runs the tasks of a process until it is stopped.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    lease::{self, Claim, Lease, span},
    task::{Schedule, Task, TaskState, TaskStatus},
    time,
};
use crate::{
    domain::{
        ObjectId,
        billing::PROVIDER_EVENTS,
        invitation::INVITATIONS,
        notice::NOTICES,
        outbox::OUTBOX,
        workspace::{DOMAIN_RECORDS, SYSTEM_STATES},
    },
    error::{Error, Result},
    service::Service,
    store::Collection,
};

/// Time between two looks for events where the store does not announce changes.
const POLL: Duration = Duration::from_secs(1);

/// Time between two looks where it does, since an announcement may be missed.
const LONG_POLL: Duration = Duration::from_secs(30);

/// Wait after the first failure. It doubles with each one in a row.
const FIRST_RETRY: Duration = Duration::from_millis(200);

/// Maximum wait after a failure.
const LONGEST_RETRY: Duration = Duration::from_secs(15);

/// Time between two renewals of the lease during a long run.
const RENEWAL: Duration = Duration::from_secs(10);

/// Maximum time that a stop waits for leases to be released.
const FAREWELL: Duration = Duration::from_secs(2);

/// The running tasks of a process. They end when it is dropped; a commit in flight then has its whole effect or none.
#[derive(Debug)]
pub struct Driver {
    tasks: JoinSet<()>,
    statuses: Vec<watch::Receiver<TaskStatus>>,
    stop: watch::Sender<bool>,
}

impl Driver {
    /// Starts tasks on the current tokio runtime.
    #[must_use]
    pub fn start(service: &Arc<Service>, tasks: Vec<Task>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (events, of_events) = watch::channel(false);
        let (due, of_due) = watch::channel(false);
        let owner = ObjectId::generate().to_string();
        let mut driver = Self { tasks: JoinSet::new(), statuses: Vec::new(), stop };
        let wakes = tasks.iter().filter_map(|task| Wake::of(task.schedule)).collect::<Vec<_>>();
        if !wakes.is_empty() {
            driver.tasks.spawn(listen(Arc::clone(service), vec![(EVENT_SOURCES, events), (DUE_SOURCES, due)]));
        }
        for task in tasks {
            let (status, seen) = watch::channel(TaskStatus { name: task.name, ..TaskStatus::default() });
            driver.statuses.push(seen);
            let (service, owner) = (Arc::clone(service), owner.clone());
            let woken = match Wake::of(task.schedule) {
                Some(Wake::Due) => of_due.clone(),
                _ => of_events.clone(),
            };
            let worker = Worker { service, task, owner, status, woken, lease: None };
            driver.tasks.spawn(worker.run(stopped.clone()));
        }
        driver
    }

    /// Returns the states of the tasks, which go on changing.
    #[must_use]
    pub fn statuses(&self) -> Statuses {
        Statuses(self.statuses.clone())
    }

    /// Stops the tasks and releases their leases, so that other processes take over at once. A run that is under way is
    /// ended; its commit in flight has its whole effect or none.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = timeout(FAREWELL, async { while self.tasks.join_next().await.is_some() {} }).await;
        if ended.is_err() {
            tracing::debug!("leases of tasks could not be released in time, and end by themselves");
        }
        self.tasks.shutdown().await;
    }
}

/// The states of a process's tasks. Clones show the same.
#[derive(Debug, Clone, Default)]
pub struct Statuses(Vec<watch::Receiver<TaskStatus>>);

impl Statuses {
    /// Returns the state of each task now.
    #[must_use]
    pub fn now(&self) -> Vec<TaskStatus> {
        self.0.iter().map(|status| status.borrow().clone()).collect()
    }

    /// Waits until the state of a task is as asked, and returns it; none if the process does not run it, or ends it.
    pub async fn until(&self, task: &str, reached: impl Fn(&TaskStatus) -> bool + Send) -> Option<TaskStatus> {
        let mut status = self.0.iter().find(|status| status.borrow().name == task)?.clone();
        status.wait_for(|status| reached(status)).await.ok().map(|status| status.clone())
    }
}

/// Collections whose changes wake consumers.
static EVENT_SOURCES: &[&Collection] = &[&OUTBOX];

/// Collections whose changes wake the tasks that wait for something to become due.
static DUE_SOURCES: &[&Collection] = &[&SYSTEM_STATES, &DOMAIN_RECORDS, &INVITATIONS, &PROVIDER_EVENTS, &NOTICES];

/// Changes that wake a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// New events.
    Events,
    /// Changed states of workspaces, invitations, notices, and events of the payment provider.
    Due,
}

impl Wake {
    fn of(schedule: Schedule) -> Option<Self> {
        match schedule {
            Schedule::Events | Schedule::Waiting => Some(Self::Events),
            Schedule::Due => Some(Self::Due),
            Schedule::Every(_) | Schedule::Once => None,
        }
    }
}

/// Tells the workers when a collection that they follow may have changed. The value is `true` if the store announces changes.
async fn listen(service: Arc<Service>, wakes: Vec<(&'static [&'static Collection], watch::Sender<bool>)>) {
    let tell = |announced| wakes.iter().for_each(|(_, wake)| _ = wake.send_replace(announced));
    loop {
        let Some(mut changes) = service.store().changes() else {
            tell(false);
            sleep(POLL).await;
            continue;
        };
        tell(true);
        while let Some(notice) = changes.next().await {
            for (followed, wake) in &wakes {
                let concerns = followed.iter().any(|collection| notice.collections.contains(&collection.name));
                if notice.collections.is_empty() || concerns {
                    wake.send_replace(true);
                }
            }
        }
        tell(false);
        sleep(POLL).await;
    }
}

/// Waits for the stop; the sender is gone only when the driver is.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    let _stopped = stopped.wait_for(|stopped| *stopped).await.is_ok();
}

/// Next step of a worker.
enum Next {
    /// Looks again at once.
    Again,
    /// Waits for this long, or for new events.
    Wait(Duration),
    /// Retries after this long.
    Retry(Duration),
    /// Ends: the task is finished.
    End,
}

/// A task and the lease of this process.
struct Worker {
    service: Arc<Service>,
    task: Task,
    owner: String,
    status: watch::Sender<TaskStatus>,
    woken: watch::Receiver<bool>,
    lease: Option<Lease>,
}

impl Worker {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        loop {
            let next = tokio::select! {
                () = stop(&mut stopped) => break,
                next = self.turn() => next,
            };
            let (pause, wakes) = match next {
                Next::Again => continue,
                Next::Wait(pause) => (pause, Wake::of(self.task.schedule).is_some()),
                Next::Retry(pause) => (pause, false),
                Next::End => break,
            };
            tokio::select! {
                () = stop(&mut stopped) => break,
                () = sleep(self.until_release(pause)) => {}
                changed = self.woken.changed(), if wakes => {
                    // Without the listener there is nothing to wake for: the pause alone counts.
                    if changed.is_err() { sleep(pause).await; }
                }
            }
        }
        self.release().await;
    }

    /// Looks for something to do and does it. A failure never ends the worker.
    async fn turn(&mut self) -> Next {
        match self.attempt().await {
            Ok(next) => next,
            Err(error) => {
                self.failed(error).await;
                let failures = self.status.borrow().failures.saturating_sub(1).min(16);
                let pause = FIRST_RETRY.saturating_mul(1_u32.checked_shl(failures).unwrap_or(u32::MAX));
                Next::Retry(pause.min(LONGEST_RETRY))
            }
        }
    }

    async fn attempt(&mut self) -> Result<Next> {
        if let Some(pause) = self.pause().await? {
            self.release_if_idle().await;
            return Ok(Next::Wait(pause));
        }
        if !matches!(self.task.schedule, Schedule::Once | Schedule::Due)
            && let Some(elsewhere) = self.hold().await?
        {
            self.status.send_modify(|status| status.state = TaskState::Elsewhere);
            return Ok(Next::Wait(elsewhere.min(LONG_POLL)));
        }
        self.status.send_modify(|status| status.state = TaskState::Running);
        let more = self.run_once().await?;
        self.succeeded().await;
        Ok(match self.task.schedule {
            Schedule::Once => Next::End,
            Schedule::Every(interval) if !more => {
                self.release().await;
                Next::Wait(interval)
            }
            Schedule::Events | Schedule::Every(_) | Schedule::Due | Schedule::Waiting => Next::Again,
        })
    }

    /// Returns how long there is nothing to do; none if there is something now.
    async fn pause(&mut self) -> Result<Option<Duration>> {
        match self.task.schedule {
            Schedule::Once => Ok(None),
            Schedule::Due | Schedule::Waiting => {
                let announced = *self.woken.borrow_and_update();
                let next = match &self.task.next_due {
                    Some(next_due) => next_due(Arc::clone(&self.service)).await?,
                    None => None,
                };
                if next.is_some_and(|wait| wait.is_zero()) {
                    return Ok(None);
                }
                self.waits();
                let poll = if announced { LONG_POLL } else { POLL };
                Ok(Some(next.unwrap_or(poll).min(poll)))
            }
            Schedule::Every(interval) => {
                let record = lease::record(&self.service, self.task.name).await?;
                let now = time(&self.service).await;
                let due = record.succeeded_at.map(|succeeded| succeeded.plus(interval));
                Ok(due.map(|due| span(now, due)).filter(|pause| !pause.is_zero()).map(|pause| pause.min(interval)))
            }
            Schedule::Events => {
                let Some(consumer) = self.task.consumer else { return Ok(None) };
                let announced = *self.woken.borrow_and_update();
                let backlog = consumer.backlog(&self.service).await?;
                self.status.send_modify(|status| status.backlog = Some(backlog));
                if backlog.due {
                    return Ok(None);
                }
                self.waits();
                let poll = if announced { LONG_POLL } else { POLL };
                let now = time(&self.service).await;
                // A deferred event is retried on time, not at the next look.
                let retry = backlog.retry_at.map_or(poll, |at| span(now, at).max(Duration::from_millis(1)));
                Ok(Some(poll.min(retry)))
            }
        }
    }

    /// Claims or keeps the lease. Returns how long another process holds it, if one does.
    async fn hold(&mut self) -> Result<Option<Duration>> {
        if let Some(lease) = &mut self.lease {
            if lease.keep(&self.service).await? {
                return Ok(None);
            }
            self.lease = None;
        }
        match lease::claim(&self.service, self.task.name, &self.owner).await? {
            Claim::Held(lease) => {
                self.lease = Some(lease);
                Ok(None)
            }
            Claim::Elsewhere(remaining) => Ok(Some(remaining.max(Duration::from_millis(100)))),
        }
    }

    /// Runs the task in a task of its own, whose panic ends nothing else, and renews the lease meanwhile.
    async fn run_once(&mut self) -> Result<bool> {
        let mut running = JoinSet::new();
        running.spawn((self.task.run)(Arc::clone(&self.service)));
        loop {
            tokio::select! {
                ended = running.join_next() => {
                    let defect = || Error::internal("a task ended by a defect; see the log");
                    return ended.ok_or_else(defect)?.unwrap_or_else(|error| {
                        tracing::error!(task = self.task.name, %error, "a task ended by a defect");
                        Err(defect())
                    });
                }
                () = sleep(RENEWAL), if self.lease.is_some() => {
                    let kept = match &mut self.lease {
                        Some(lease) => lease.keep(&self.service).await?,
                        None => true,
                    };
                    if !kept {
                        self.lease = None;
                        return Err(Error::internal("another process has taken the task over, since this one was too slow"));
                    }
                }
            }
        }
    }

    /// Returns the time until the wait is over, or until an idle lease is given back.
    fn until_release(&self, pause: Duration) -> Duration {
        if self.lease.is_some() { pause.min(lease::DURATION / 2) } else { pause }
    }

    /// Gives a lease back whose half has passed. Until then, what comes soon finds it held and costs no write.
    async fn release_if_idle(&mut self) {
        let now = time(&self.service).await;
        if self.lease.as_ref().is_some_and(|lease| !lease.is_young(now)) {
            self.release().await;
        }
    }

    async fn release(&mut self) {
        let Some(lease) = self.lease.take() else { return };
        if let Err(error) = lease.release(&self.service).await {
            tracing::debug!(task = self.task.name, %error, "a lease could not be released, and ends by itself");
        }
    }

    /// Notes that nothing is to be done, so that whatever failed before is over.
    fn waits(&self) {
        let mut failures = 0;
        self.status.send_modify(|status| {
            failures = std::mem::take(&mut status.failures);
            status.state = TaskState::Waiting;
        });
        self.recovered(failures);
    }

    fn recovered(&self, failures: u32) {
        if failures > 0 {
            tracing::info!(task = self.task.name, failures, "the task succeeds again");
        }
    }

    async fn succeeded(&mut self) {
        let now = time(&self.service).await;
        let finished = self.task.schedule == Schedule::Once;
        let mut failures = 0;
        self.status.send_modify(|status| {
            failures = std::mem::take(&mut status.failures);
            status.state = if finished { TaskState::Finished } else { TaskState::Waiting };
            status.succeeded = status.succeeded.saturating_add(1);
            status.succeeded_at = Some(now);
        });
        self.recovered(failures);
        if let Some(lease) = &mut self.lease {
            lease.note(Ok(()), now);
        }
    }

    async fn failed(&mut self, error: Error) {
        let message = explain(&error);
        let mut failures = 0;
        let error = Arc::new(error);
        self.status.send_modify(|status| {
            status.failures = status.failures.saturating_add(1);
            failures = status.failures;
            status.state = TaskState::Failing;
            status.failed = status.failed.saturating_add(1);
            status.last_error = Some(Arc::clone(&error));
        });
        // Changes are logged, not each attempt.
        if failures == 1 {
            tracing::warn!(task = self.task.name, error = message, "the task fails and is retried");
        }
        if let Some(lease) = &mut self.lease {
            let now = time(&self.service).await;
            lease.note(Err(format!("{}: {}", error.code(), error.message())), now);
        }
    }
}

/// Formats an error with its cause, which the public message may hide.
#[must_use]
pub fn explain(error: &Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
