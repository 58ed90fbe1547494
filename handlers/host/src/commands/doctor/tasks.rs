//! Checks of background tasks: failures, and events that wait for too long.

use std::time::Duration;

use dezky::{
    clock::{Clock as _, SystemClock, Timestamp},
    service::Service,
    work::TaskReport,
};

use super::report::Report;

/// Age from which a waiting event says that no process runs its task.
const LATE: Duration = Duration::from_secs(5 * 60);

const TASKS: &str = "tasks";

pub(super) async fn check(service: &Service, report: &mut Report) {
    match TaskReport::all(service).await {
        Ok(tasks) => {
            let late = SystemClock.now().minus(LATE);
            let troubled = tasks.iter().filter(|task| judge(task, late, report)).count();
            if troubled == 0 {
                report.ok(TASKS, format!("none of the {} background tasks fails or is late", tasks.len()));
            }
        }
        Err(error) => {
            report.error(TASKS, &format!("their state cannot be read: {}", error.message()), "run the doctor again");
        }
    }
}

/// Reports a task that fails or is late. Returns `true` if it is one.
fn judge(task: &TaskReport, late: Timestamp, report: &mut Report) -> bool {
    let name = format!("task {}", task.name);
    if let Some(error) = &task.last_error {
        let message = format!("it fails ({} times in a row; it {}): {error}", task.failures, task.summary);
        report.warning(&name, &message, "it is retried: see the log of the process that runs it");
        return true;
    }
    let Some(backlog) = task.backlog else { return false };
    if backlog.deferred > 0 {
        let message = format!("{} of its events failed and wait for a retry (it {})", backlog.deferred, task.summary);
        report.warning(&name, &message, "they are retried every quarter of an hour at the latest: see the log for why");
        return true;
    }
    if backlog.waiting > 0 && backlog.oldest.is_some_and(|oldest| oldest < late) {
        let message = format!("events wait for it since {} (it {})", shown(backlog.oldest), task.summary);
        report.warning(&name, &message, "run `dezky serve` with `DEZKY_TASKS` unset, or with this task in it");
        return true;
    }
    false
}

fn shown(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "long ago".to_owned(), |time| time.to_string())
}
