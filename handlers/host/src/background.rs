//! Background tasks of a server, and what their failures mean for it.

use std::sync::Arc;

use dezky::{
    ErrorKind,
    service::Service,
    work::{Driver, Reached, Statuses, Task, TaskChoice, driver::explain},
};
use tokio::sync::mpsc;

use crate::{configuration::Configuration, failure::Failure, heads};

/// Starts the chosen tasks, and in any case the one that creates the first tenant, without which the server is not ready.
pub(crate) fn start(service: &Arc<Service>, configuration: &Configuration, reached: Reached) -> Driver {
    let Configuration { tasks: choice, seed, audit_heads, .. } = configuration;
    let mut tasks = choice.tasks(seed.clone(), reached);
    if let Some(settings) = audit_heads.as_ref().filter(|_| *choice != TaskChoice::None) {
        tasks.push(heads::task(settings));
    }
    if !tasks.iter().any(|task| task.name == Task::FIRST_TENANT) {
        tasks.push(Task::first_tenant(seed.clone()));
    }
    Driver::start(service, tasks)
}

/// Reports through `fatal` if the settings of the first tenant are refused, which no retry mends.
pub(crate) async fn watch_first_tenant(statuses: Statuses, fatal: mpsc::Sender<Failure>) {
    let refused = statuses.until(Task::FIRST_TENANT, |status| {
        status.last_error.as_ref().is_some_and(|error| error.kind() == ErrorKind::Configuration)
    });
    let Some(error) = refused.await.and_then(|status| status.last_error) else { return };
    // There is room for the one that is ever sent.
    if fatal.try_send(Failure::usage(explain(&error))).is_err() {
        tracing::debug!("the process is stopping already");
    }
}
