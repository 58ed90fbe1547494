//! Tasks: idempotent functions without input that a process runs beside its requests.

use std::{collections::BTreeSet, fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use super::{
    consumer::{self, Backlog, CONSUMERS, Consumer},
    expiry,
    invitations::InvitationMail,
    lease,
    mail::PlatformMail,
    notices::NoticeMail,
    purge, time, trail,
    webhooks::Webhooks,
};
use crate::{
    clock::Timestamp,
    error::{Code, Error, Result},
    service::{Service, seed::SeedSettings},
    workspace::{self, Worker},
};

/// Time between two runs of the removal of expired records.
const EXPIRY: Duration = Duration::from_secs(600);

/// Time between two runs of trimming the event log.
const TRIMMING: Duration = Duration::from_secs(60);

/// Time between two looks for claims of domains that are due.
const PROOFS: Duration = Duration::from_secs(60);

/// Time between two looks for deleted tenants whose data is to be removed.
const PURGE: Duration = Duration::from_secs(60 * 60);

/// Time between two applications of the retention of audit events.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

/// When a task runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Schedule {
    /// When there are events for it.
    Events,
    /// So long after its last success, in whichever process that was.
    Every(Duration),
    /// Until it has succeeded once in this process.
    Once,
    /// When something of it is due, in every process that has it.
    Due,
    /// When its question tells that something waits, which changes cause.
    Waiting,
}

/// Time between two looks for subscriptions whose time has come.
const SUBSCRIPTIONS: Duration = Duration::from_secs(60);

/// Time between two comparisons with the payment provider.
const COMPARISON: Duration = Duration::from_secs(24 * 60 * 60);

/// Time between two surveys of the systems behind tenants.
const SURVEY: Duration = Duration::from_secs(60 * 60);

/// Question of a task for the time until it has something to do; `None` if nothing is planned.
type NextDue = Arc<dyn Fn(Arc<Service>) -> BoxFuture<'static, Result<Option<Duration>>> + Send + Sync>;

/// A run of a task. Returns `true` if it is to be run again at once.
type Run = Arc<dyn Fn(Arc<Service>) -> BoxFuture<'static, Result<bool>> + Send + Sync>;

/// A background task.
#[derive(Clone)]
#[non_exhaustive]
pub struct Task {
    /// Name, in metrics and settings.
    pub name: &'static str,
    /// Work that it does, in one clause.
    pub summary: &'static str,
    pub(super) schedule: Schedule,
    /// Consumer of events that it is, if it is one.
    pub(super) consumer: Option<&'static Consumer>,
    /// Time until it has something to do, if it tells.
    pub(super) next_due: Option<NextDue>,
    pub(super) run: Run,
}

impl fmt::Debug for Task {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Task")
            .field("name", &self.name)
            .field("schedule", &self.schedule)
            .finish_non_exhaustive()
    }
}

impl Task {
    /// Name of the task that creates the first tenant.
    pub const FIRST_TENANT: &'static str = "first-tenant";

    /// Name of the task that reconciles the systems behind tenants.
    pub const WORKSPACE: &'static str = "workspace";

    /// Name of the task that mails invitations.
    pub const INVITATIONS: &'static str = "invitations";

    /// Name of the task that follows the payment provider.
    pub const BILLING: &'static str = "billing";

    /// Name of the task that delivers events to endpoints.
    pub const WEBHOOKS: &'static str = "webhooks";

    /// Name of the task that mails notices to owners.
    pub const NOTICES: &'static str = "notices";

    /// Creates a task that runs so long after its last success, in one process of those that have it.
    ///
    /// `run` may be called at any time, more than once, and is ended when the process stops. It returns `true` to be run again
    /// at once. The name must not be one of [`TaskChoice::names`].
    pub fn every<F>(
        name: &'static str,
        summary: &'static str,
        interval: Duration,
        run: impl Fn(Arc<Service>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<bool>> + Send + 'static,
    {
        let run: Run = Arc::new(move |service| Box::pin(run(service)));
        Self { name, summary, schedule: Schedule::Every(interval), consumer: None, next_due: None, run }
    }

    /// Returns the tasks that are run under a lease, so that of N processes one runs each.
    #[must_use]
    pub fn leased() -> Vec<Self> {
        let mut tasks: Vec<Self> = CONSUMERS.iter().map(Self::of_consumer).collect();
        tasks.push(Self::sealing());
        tasks.push(Self::every("expiry", "removes expired records", EXPIRY, async |service| {
            expiry::forget_expired(&service).await.map(expiry::leaves_more)
        }));
        tasks.push(Self::every(
            "trimming",
            "removes events that all consumers have passed",
            TRIMMING,
            async |service| Ok(consumer::trim(&service).await? > 0),
        ));
        tasks.push(Self::every(
            "domain-proofs",
            "looks for the records that prove domains, and warns before one is lost",
            PROOFS,
            async |service| super::domains::look_at_domains(&service).await,
        ));
        tasks.push(Self::every(
            "subscriptions",
            "moves subscriptions through their life: late, suspended, cancelled",
            SUBSCRIPTIONS,
            async |service| Ok(service.advance_subscriptions().await? > 0),
        ));
        tasks.push(Self::every(
            "billing-comparison",
            "compares subscriptions with the payment provider's, and finds events that never came",
            COMPARISON,
            async |service| super::billing::reconcile(&service).await.map(|_| false),
        ));
        tasks.push(Self::every(
            "purge",
            "removes the data of tenants after the grace period of their deletion",
            PURGE,
            async |service| {
                let done = purge::purge(&service).await?;
                if done > 0 {
                    tracing::info!(tenants = done, "the data of deleted tenants was removed");
                }
                Ok(false)
            },
        ));
        tasks.push(Self::every(
            "retention",
            "removes audit events that are older than the settings allow",
            RETENTION,
            async |service| trail::retain(&service).await.map(|_| false),
        ));
        tasks.push(Self::every(
            "survey",
            "finds tenants that lack systems which are configured",
            SURVEY,
            async |service| {
                let found = workspace::survey(&service, &service.settings().systems).await?;
                if found > 0 {
                    tracing::info!(tenants = found, "tenants are given the systems that they lack");
                }
                Ok(false)
            },
        ));
        tasks
    }

    /// Returns the task that creates the first tenant. Each process runs it, until the tenant exists.
    #[must_use]
    pub fn first_tenant(settings: SeedSettings) -> Self {
        let settings = Arc::new(settings);
        Self {
            name: Self::FIRST_TENANT,
            summary: "creates the first tenant",
            schedule: Schedule::Once,
            consumer: None,
            next_due: None,
            run: Arc::new(move |service| {
                let settings = Arc::clone(&settings);
                Box::pin(async move {
                    let seeded = service.seed(&settings).await?;
                    if seeded.tenant_created {
                        tracing::info!(slug = settings.slug, "the first tenant was created");
                    }
                    Ok(false)
                })
            }),
        }
    }

    /// Creates a task that runs when something of it is due, in any number of processes at the same time.
    fn due<T: Send + Sync + 'static, N, R>(
        name: &'static str,
        summary: &'static str,
        of: Arc<T>,
        next_due: impl Fn(Arc<T>, Arc<Service>) -> N + Send + Sync + 'static,
        run: impl Fn(Arc<T>, Arc<Service>) -> R + Send + Sync + 'static,
    ) -> Self
    where
        N: Future<Output = Result<Option<Duration>>> + Send + 'static,
        R: Future<Output = Result<bool>> + Send + 'static,
    {
        let asked = Arc::clone(&of);
        let next_due: NextDue = Arc::new(move |service| Box::pin(next_due(Arc::clone(&asked), service)));
        let run: Run = Arc::new(move |service| Box::pin(run(Arc::clone(&of), service)));
        Self { name, summary, schedule: Schedule::Due, consumer: None, next_due: Some(next_due), run }
    }

    /// Returns the task that reconciles the systems behind tenants.
    #[must_use]
    pub fn workspace(worker: Arc<Worker>) -> Self {
        Self::due(
            Self::WORKSPACE,
            "sets up the systems behind tenants, and keeps them as they should be",
            worker,
            async |worker, service| worker.next_due(&service).await,
            async |worker, service| worker.run_due(&service).await.map(|_| false),
        )
    }

    /// Returns the task that seals the audit trail.
    fn sealing() -> Self {
        Self {
            name: "sealing",
            summary: "chains audit events, so that a change of one shows",
            schedule: Schedule::Waiting,
            consumer: None,
            next_due: Some(Arc::new(|service| Box::pin(async move { trail::waits(&service).await }))),
            run: Arc::new(|service| Box::pin(async move { trail::seal(&service).await.map(|_| false) })),
        }
    }

    /// Returns the task that mails invitations.
    #[must_use]
    pub fn invitations(mail: Arc<InvitationMail>) -> Self {
        Self::due(
            Self::INVITATIONS,
            "mails invitations, and closes those that nobody accepts",
            mail,
            async |mail, service| mail.next_due(&service).await,
            async |mail, service| mail.run_due(&service).await.map(|_| false),
        )
    }

    /// Returns the task that follows the payment provider.
    #[must_use]
    pub fn billing() -> Self {
        Self::due(
            Self::BILLING,
            "makes subscriptions what the payment provider has, as its events arrive",
            Arc::new(()),
            async |_, service| super::billing::next_due(&service).await,
            async |_, service| super::billing::run_due(&service).await.map(|_| false),
        )
    }

    /// Returns the task that mails notices to owners.
    #[must_use]
    pub fn notices(mail: Arc<NoticeMail>) -> Self {
        Self::due(
            Self::NOTICES,
            "mails owners at each step of their subscription's life",
            mail,
            async |mail, service| mail.next_due(&service).await,
            async |mail, service| mail.run_due(&service).await.map(|_| false),
        )
    }

    /// Returns the task that delivers events to endpoints.
    #[must_use]
    pub fn webhooks(webhooks: Arc<Webhooks>) -> Self {
        let asked = Arc::clone(&webhooks);
        Self {
            name: Self::WEBHOOKS,
            summary: "delivers events to endpoints as signed webhooks",
            schedule: Schedule::Waiting,
            consumer: None,
            next_due: Some(Arc::new(move |service| {
                let webhooks = Arc::clone(&asked);
                Box::pin(async move { webhooks.next_due(&service).await })
            })),
            run: Arc::new(move |service| {
                let webhooks = Arc::clone(&webhooks);
                Box::pin(async move { webhooks.run_due(&service).await.map(|()| false) })
            }),
        }
    }

    fn of_consumer(consumer: &'static Consumer) -> Self {
        Self {
            name: consumer.name,
            summary: consumer.summary,
            schedule: Schedule::Events,
            consumer: Some(consumer),
            next_due: None,
            run: Arc::new(move |service| Box::pin(async move { consumer.step(&service).await.map(|step| step.more) })),
        }
    }
}

/// What a process reaches outside of the store, which some tasks need.
#[derive(Debug, Clone, Default)]
pub struct Reached {
    /// Systems behind tenants.
    pub worker: Option<Arc<Worker>>,
    /// A mail server.
    pub mail: Option<PlatformMail>,
    /// Endpoints for events.
    pub webhooks: Option<Arc<Webhooks>>,
}

/// Tasks that a process runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum TaskChoice {
    /// All of them.
    All,
    /// None: other processes run them.
    #[default]
    None,
    /// Those of these names.
    These(BTreeSet<String>),
}

impl TaskChoice {
    /// Reads a choice: `all`, `none`, or names with commas between them.
    ///
    /// # Errors
    /// Kind `Configuration` when there is no task of a name; the message lists those that there are.
    pub fn parse(text: &str) -> Result<Self> {
        match text.trim() {
            "all" => Ok(Self::All),
            "none" | "" => Ok(Self::None),
            names => Self::of_names(names.split(',').map(str::trim)),
        }
    }

    /// Returns the names that may be chosen.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        let tasks = Self::All.tasks(SeedSettings::default(), Reached::default());
        let others = [Task::WORKSPACE, Task::INVITATIONS, Task::NOTICES, Task::WEBHOOKS];
        tasks.iter().map(|task| task.name).chain(others).collect()
    }

    fn of_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let known = Self::names();
        let names: BTreeSet<String> = names.into_iter().map(str::to_owned).collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            let known = known.join("`, `");
            let message = format!("there is no task `{unknown}`: use `all`, `none`, or some of `{known}`");
            return Err(Error::new(Code::INVALID_SETTING, message));
        }
        Ok(if names.is_empty() { Self::None } else { Self::These(names) })
    }

    /// Returns the chosen tasks, with the settings of the first tenant and what this process reaches.
    #[must_use]
    pub fn tasks(&self, first_tenant: SeedSettings, reached: Reached) -> Vec<Task> {
        let Reached { worker, mail, webhooks } = reached;
        let mut tasks = vec![Task::first_tenant(first_tenant)];
        tasks.extend(Task::leased());
        tasks.push(Task::billing());
        tasks.extend(worker.map(Task::workspace));
        tasks.extend(
            mail.into_iter().flat_map(|mail| [Task::invitations(mail.invitations), Task::notices(mail.notices)]),
        );
        tasks.extend(webhooks.map(Task::webhooks));
        match self {
            Self::All => {}
            Self::None => tasks.clear(),
            Self::These(names) => tasks.retain(|task| names.contains(task.name)),
        }
        tasks
    }
}

/// State of a task in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TaskState {
    /// It waits for its next run.
    #[default]
    Waiting,
    /// It runs.
    Running,
    /// Another process runs it.
    Elsewhere,
    /// Its last run failed; it is retried.
    Failing,
    /// It has succeeded and is not run again.
    Finished,
}

/// State of a task in this process, and what its runs came to.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct TaskStatus {
    /// Name of the task.
    pub name: &'static str,
    /// State.
    pub state: TaskState,
    /// Number of runs that succeeded.
    pub succeeded: u64,
    /// Number of runs that failed.
    pub failed: u64,
    /// Number of failures in a row.
    pub failures: u32,
    /// End of the last run that succeeded.
    pub succeeded_at: Option<Timestamp>,
    /// Error of the last run that failed.
    pub last_error: Option<Arc<Error>>,
    /// Events that waited when they were last looked at, if it is a consumer.
    pub backlog: Option<Backlog>,
}

/// State of a task in the store, over all processes.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskReport {
    /// Name of the task.
    pub name: &'static str,
    /// Work that it does.
    pub summary: &'static str,
    /// `true` while some process holds its lease.
    pub held: bool,
    /// End of the last run that succeeded, as far as it is stored.
    pub succeeded_at: Option<Timestamp>,
    /// Number of failures in a row.
    pub failures: u32,
    /// Code and message of the last failure.
    pub last_error: Option<String>,
    /// Events that wait, if it is a consumer.
    pub backlog: Option<Backlog>,
}

impl TaskReport {
    /// Reads the state of all tasks that are run under a lease.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn all(service: &Service) -> Result<Vec<Self>> {
        let now = time(service).await;
        let mut reports = Vec::new();
        for task in Task::leased() {
            let record = lease::record(service, task.name).await?;
            let backlog = match task.consumer {
                Some(consumer) => Some(consumer.backlog(service).await?),
                None => None,
            };
            reports.push(Self {
                name: task.name,
                summary: task.summary,
                held: record.held_until.is_some_and(|until| until > now),
                succeeded_at: record.succeeded_at,
                failures: record.failures,
                last_error: record.last_error.filter(|_| record.failures > 0),
                backlog,
            });
        }
        Ok(reports)
    }
}
