//! The driver: of several processes one runs a task, another takes over, and no failure ends it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use dezky::{
    Code, Error, ErrorKind,
    store::SharedStore,
    work::{Driver, Task, TaskChoice, TaskReport, TaskState, TaskStatus},
};

use super::{Estate, copied_name, rename, support};

fn copies() -> Vec<Task> {
    TaskChoice::parse("copies").unwrap().tasks(Default::default(), Default::default())
}

/// Starts the consumer of copies in a process of its own.
fn process(estate: &Estate, store: &SharedStore) -> Driver {
    Driver::start(&Arc::new(support::service(Arc::clone(store), estate.clock.clone())), copies())
}

/// Waits until a task of the process is as asked, for a minute at the most.
async fn reached(driver: &Driver, task: &str, asked: impl Fn(&TaskStatus) -> bool + Send) -> TaskStatus {
    let statuses = driver.statuses();
    let waiting = tokio::time::timeout(Duration::from_secs(60), statuses.until(task, asked));
    waiting.await.expect("the task does not get there").unwrap()
}

/// Waits until the process has run its task without failure.
async fn ran(driver: &Driver) {
    reached(driver, "copies", |status| status.succeeded > 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_processes_one_runs_a_task_and_the_other_takes_over() {
    let fixture = support::sqlite();
    let store = &fixture.store;
    let estate = Estate::new(store).await;
    let first = process(&estate, store);
    rename(&estate.calm, estate.stuck, "By the first").await;
    ran(&first).await;
    assert_eq!(copied_name(store, estate.stuck, estate.anna).await, "By the first");
    // It dies without a farewell: its lease lasts.
    drop(first);
    rename(&estate.calm, estate.stuck, "By the second").await;
    let second = process(&estate, store);
    reached(&second, "copies", |status| status.state == TaskState::Elsewhere).await;
    assert_eq!(copied_name(store, estate.stuck, estate.anna).await, "By the first");
    estate.clock.advance(Duration::from_secs(31));
    rename(&estate.calm, estate.other, "Wakes it").await;
    ran(&second).await;
    assert_eq!(copied_name(store, estate.stuck, estate.anna).await, "By the second");
    // One that is stopped gives its lease back.
    second.stop().await;
    rename(&estate.calm, estate.stuck, "By the third").await;
    let third = process(&estate, store);
    ran(&third).await;
    assert_eq!(copied_name(store, estate.stuck, estate.anna).await, "By the third");
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_runs_once_an_interval_however_many_processes_have_it() {
    let fixture = support::sqlite();
    let estate = Estate::new(&fixture.store).await;
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = |name| {
        let runs = Arc::clone(&runs);
        Task::every(name, "counts", Duration::from_secs(60), move |_| {
            runs.fetch_add(1, Ordering::SeqCst);
            async { Ok(false) }
        })
    };
    let first = Driver::start(&estate.calm, vec![counted("counting")]);
    reached(&first, "counting", |status| status.succeeded == 1).await;
    first.stop().await;
    // The second process sees in the store that it is not due, and runs another task after it has seen that.
    let second = Driver::start(&estate.calm, vec![counted("counting"), counted("another")]);
    reached(&second, "another", |status| status.succeeded == 1).await;
    second.stop().await;
    estate.clock.advance(Duration::from_secs(60));
    let third = Driver::start(&estate.calm, vec![counted("counting")]);
    reached(&third, "counting", |status| status.succeeded == 1).await;
    third.stop().await;
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_a_failure_nor_a_panic_ends_a_task() {
    let fixture = support::sqlite();
    let estate = Estate::new(&fixture.store).await;
    let attempts = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&attempts);
    let task = Task::every("troubled", "fails twice", Duration::from_secs(60), move |_| {
        let attempt = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match attempt {
                0 => Err(Error::new(Code::STORE_UNAVAILABLE, "as the test wants it")),
                1 => panic!("as the test wants it"),
                _ => Ok(false),
            }
        }
    });
    let driver = Driver::start(&estate.calm, vec![task]);
    let failing = reached(&driver, "troubled", |status| status.failures == 1).await;
    assert_eq!((failing.state, failing.last_error.unwrap().code()), (TaskState::Failing, "store_unavailable"));
    let panicked = reached(&driver, "troubled", |status| status.failures == 2).await;
    assert_eq!(panicked.last_error.unwrap().kind(), ErrorKind::Internal);
    let recovered = reached(&driver, "troubled", |status| status.succeeded == 1).await;
    assert_eq!((recovered.failures, recovered.failed), (0, 2));
    driver.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_and_what_failed_can_be_seen_by_any_process() {
    let fixture = support::sqlite();
    let store = &fixture.store;
    let estate = Estate::new(store).await;
    rename(&estate.calm, estate.stuck, "Waiting").await;
    let report = async |name| {
        let reports = TaskReport::all(&estate.calm).await.unwrap();
        reports.into_iter().find(|report| report.name == name).unwrap()
    };
    let waiting = report("copies").await;
    let backlog = waiting.backlog.unwrap();
    assert_eq!((waiting.held, waiting.succeeded_at, backlog.waiting), (false, None, 1));
    assert!(backlog.due && backlog.oldest.is_some());
    assert_eq!(report("erasure").await.backlog.unwrap().waiting, 0, "it does not follow names");
    let driver = process(&estate, store);
    ran(&driver).await;
    driver.stop().await;
    let done = report("copies").await;
    assert_eq!((done.held, done.backlog.unwrap().waiting), (false, 0));
    assert!(done.succeeded_at.is_some());
}

#[test]
fn tasks_are_chosen_by_name() {
    assert_eq!(TaskChoice::parse("all").unwrap(), TaskChoice::All);
    assert_eq!(TaskChoice::parse(" none ").unwrap(), TaskChoice::None);
    assert_eq!(TaskChoice::parse("").unwrap(), TaskChoice::None);
    let names = |choice: &str| -> Vec<_> {
        TaskChoice::parse(choice)
            .unwrap()
            .tasks(Default::default(), Default::default())
            .iter()
            .map(|task| task.name)
            .collect()
    };
    assert_eq!(names("expiry, copies"), ["copies", "expiry"]);
    // Those of the systems behind tenants and of mail need what a process without such systems does not have.
    let all = TaskChoice::names();
    assert_eq!(
        names("all"),
        all.iter()
            .copied()
            .filter(|name| ![Task::WORKSPACE, Task::INVITATIONS, Task::NOTICES, Task::WEBHOOKS].contains(name))
            .collect::<Vec<_>>()
    );
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let row = readme.lines().find(|line| line.starts_with("| `DEZKY_TASKS`")).unwrap();
    let listed = TaskChoice::names().iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    assert!(row.contains(&format!("some of {listed} ")), "README.md does not list {listed}");
    let unknown = TaskChoice::parse("copies,backups").unwrap_err();
    assert_eq!((unknown.kind(), unknown.code()), (ErrorKind::Configuration, "invalid_setting"));
    assert!(unknown.message().contains("`backups`") && unknown.message().contains("`expiry`"), "{unknown}");
}
