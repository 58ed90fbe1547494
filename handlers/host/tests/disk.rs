//! Tests of the embedded store's file on a full disk, without write permission, and when damaged. Servers and commands
//! give one line of advice, readable data is readable, and nothing acknowledged is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use support::{
    Shell, await_ready, request,
    served::{Issuer, STORE, Server, assert_for_now, create, read, start, status},
};

const STORE_URI: &str = "sqlite:store/served.sqlite";

/// File size limit for some tens of tenants, in units of 512 bytes (sh(1), `ulimit -f`).
///
/// A process that writes beyond it fails as it would beyond a quota.
const LIMITED: [&str; 3] = ["sh", "-c", "ulimit -f 4096; exec \"$0\" \"$@\""];

fn file(folder: &Path) -> PathBuf {
    folder.join("store/served.sqlite")
}

/// Starts a server that is ready, has the tenant `before`, and knows the administrator.
fn prepared(wrapper: &[&str], folder: &Path, store: &str, issuer: &Issuer) -> Server {
    let server = start(wrapper, folder, store, issuer, &[]);
    await_ready(&server.address, true);
    assert_eq!(request(&server.address, "GET", "/users/me", Some(&server.admin)).0, 200);
    assert_eq!(status(&create(&server.address, &server.admin, "before")), 201);
    server
}

fn stop(mut server: Server) {
    server.process.terminate();
    assert!(server.process.wait().success());
}

/// Waits until readiness reports a problem of the store, and returns it.
fn obstacle(server: &Server) -> String {
    let report = await_ready(&server.address, false);
    report["notReady"].to_string()
}

/// Returns the single error line of a refused command.
fn refusal(shell: &Shell, arguments: &[&str], exit_code: i32, begins: &str) -> String {
    let error = shell.refused(arguments, exit_code, begins);
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    error
}

/// Writes until the disk is full, and returns the acknowledged tenants.
fn fill(server: &Server) -> Vec<String> {
    for number in 0..2_000 {
        let slug = format!("tenant-{number}");
        let answer = create(&server.address, &server.admin, &slug);
        if status(&answer) != 201 {
            assert_for_now(&answer, STORE);
            return (0..number).map(|number| format!("tenant-{number}")).collect();
        }
    }
    panic!("it never was full");
}

/// Checks the server and commands without disk space, and returns the acknowledged tenants.
fn without_room(server: &Server, shell: &Shell, says: &str) -> Vec<String> {
    let acknowledged = fill(server);
    assert!(!acknowledged.is_empty());
    assert!(obstacle(server).contains(says), "{}", obstacle(server));
    // Reads keep working, however many writes are refused.
    for number in 0..50 {
        assert_eq!(status(&read(&server.address, &server.admin)), 200);
        if number % 10 == 0 {
            assert_for_now(&create(&server.address, &server.admin, "refused"), STORE);
        }
    }
    for slug in &acknowledged {
        assert_eq!(request(&server.address, "GET", &format!("/tenants/{slug}"), Some(&server.admin)).0, 200, "{slug}");
    }
    let error = refusal(shell, &["tenant", "create", "refused", "--name", "R"], 5, "store_unavailable: ");
    assert!(error.contains(says), "{error}");
    assert_eq!(shell.json(&["tenant", "show", "before", "--json"])["slug"], "before");
    acknowledged
}

/// Asserts that with disk space again, exactly the acknowledged tenants exist.
fn with_room_again(server: &Server, shell: &Shell, acknowledged: &[String]) {
    await_ready(&server.address, true);
    let stored = shell.lines(&["tenant", "list", "--all", "--json"]);
    let mut stored: Vec<&str> = stored.iter().map(|tenant| tenant["slug"].as_str().unwrap()).collect();
    let mut expected: Vec<&str> =
        ["before", "dezky"].into_iter().chain(acknowledged.iter().map(String::as_str)).collect();
    stored.sort_unstable();
    expected.sort_unstable();
    assert_eq!(stored, expected);
    let trail = shell.lines(&["audit", "--action", "tenant.create", "--all", "--json"]);
    assert_eq!(trail.len(), expected.len(), "a change has its event, and no other change has one");
    assert_eq!(status(&create(&server.address, &server.admin, "refused")), 201);
}

#[test]
fn a_limit_of_space_refuses_writes_for_now_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(folder.path());
    stop(prepared(&[], folder.path(), STORE_URI, &issuer));
    let mut server = start(&LIMITED, folder.path(), STORE_URI, &issuer, &[]);
    await_ready(&server.address, true);
    let shell = Shell::under(&LIMITED, folder.path(), STORE_URI);
    let says = "the disk refuses to be read or written, see to its space, quotas, limits and health";
    let acknowledged = without_room(&server, &shell, says);
    server.process.child.kill().unwrap();
    server.process.wait();
    let server = start(&[], folder.path(), STORE_URI, &issuer, &[]);
    with_room_again(&server, &Shell::new(folder.path(), STORE_URI), &acknowledged);
    stop(server);
}

/// A small disk, visible only within its namespaces. It is removed with its process.
struct SmallDisk {
    process: Child,
    mounted: PathBuf,
}

impl SmallDisk {
    /// Mounts the disk; `None` on systems without unprivileged mounts in namespaces.
    fn mount(folder: &Path) -> Option<Self> {
        let mounted = folder.join("disk");
        fs::create_dir(&mounted).unwrap();
        let script = "mount -t tmpfs -o size=2m none \"$0\" && echo mounted && exec cat";
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script]).arg(&mounted);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line == "mounted\n" {
            return Some(Self { process, mounted });
        }
        process.wait().unwrap();
        None
    }

    /// Returns the wrapper that runs a command where the disk is visible.
    fn entered(&self) -> Vec<String> {
        let target = self.process.id().to_string();
        ["nsenter", "--user", "--mount", "--preserve-credentials", "--target", &target].map(str::to_owned).to_vec()
    }

    fn grow(&self) {
        let entered = self.entered();
        let mut command = Command::new(&entered[0]);
        command.args(&entered[1..]).args(["mount", "-o", "remount,size=64m"]).arg(&self.mounted);
        assert!(command.status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_full_disk_refuses_writes_for_now_and_is_used_again_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path()) else {
        // Then the file size limit above has to suffice, with another error code of SQLite.
        let allowed = std::env::var_os("DEZKY_TEST_WITHOUT_NAMESPACES").is_some();
        assert!(allowed, "no small disk can be mounted: allow user namespaces, or set DEZKY_TEST_WITHOUT_NAMESPACES=1");
        return;
    };
    let issuer = Issuer::start(folder.path());
    let entered = disk.entered();
    let entered: Vec<&str> = entered.iter().map(String::as_str).collect();
    let store = format!("sqlite:{}/served.sqlite", disk.mounted.display());
    let server = prepared(&entered, folder.path(), &store, &issuer);
    let shell = Shell::under(&entered, folder.path(), &store);
    let acknowledged = without_room(&server, &shell, "the disk is full, free space on it");
    disk.grow();
    with_room_again(&server, &shell, &acknowledged);
    stop(server);
}

/// Returns a wrapper that makes file modes apply to root too, as they do to others anyway.
fn bound_by_modes(folder: &Path) -> &'static [&'static str] {
    if fs::metadata(folder).unwrap().uid() == 0 { &["setpriv", "--bounding-set=-all", "--inh-caps=-all"] } else { &[] }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_file_that_must_not_be_written_is_read_and_written_again_once_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(folder.path());
    stop(prepared(&[], folder.path(), STORE_URI, &issuer));
    set_mode(&file(folder.path()), 0o400);
    let wrapper = bound_by_modes(folder.path());
    let server = start(wrapper, folder.path(), STORE_URI, &issuer, &[]);
    let says = "the database file cannot be written, let the user that runs dezky write it and its folder";
    assert!(obstacle(&server).contains(says), "{}", obstacle(&server));
    for number in 0..50 {
        assert_eq!(status(&read(&server.address, &server.admin)), 200);
        if number % 10 == 0 {
            assert_for_now(&create(&server.address, &server.admin, "refused"), STORE);
        }
    }
    let shell = Shell::under(wrapper, folder.path(), STORE_URI);
    let error = refusal(&shell, &["tenant", "create", "refused", "--name", "R"], 5, "store_unavailable: ");
    assert!(error.contains(says), "{error}");
    assert_eq!(shell.json(&["tenant", "show", "before", "--json"])["slug"], "before");
    let (code, report, _) = shell.run(&["doctor"]);
    assert!(code == 1 && report.contains("cannot be written"), "{code} {report}");
    set_mode(&file(folder.path()), 0o600);
    await_ready(&server.address, true);
    assert_eq!(status(&create(&server.address, &server.admin, "refused")), 201);
    stop(server);
}

#[test]
fn a_file_that_must_not_be_read_is_served_once_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(folder.path());
    stop(prepared(&[], folder.path(), STORE_URI, &issuer));
    set_mode(&file(folder.path()), 0o000);
    let wrapper = bound_by_modes(folder.path());
    let server = start(wrapper, folder.path(), STORE_URI, &issuer, &[]);
    let says = "the database file cannot be opened, let the user that runs dezky read and write it and its folder";
    assert!(obstacle(&server).contains(says), "{}", obstacle(&server));
    assert_for_now(&read(&server.address, &server.admin), STORE);
    let shell = Shell::under(wrapper, folder.path(), STORE_URI);
    let error = refusal(&shell, &["tenant", "show", "before"], 5, "store_unavailable: ");
    assert!(error.contains(says), "{error}");
    set_mode(&file(folder.path()), 0o600);
    await_ready(&server.address, true);
    assert_eq!(status(&read(&server.address, &server.admin)), 200);
    stop(server);
}

#[test]
fn a_file_that_is_no_database_any_more_stops_the_start_and_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(folder.path());
    stop(prepared(&[], folder.path(), STORE_URI, &issuer));
    let path = file(folder.path());
    let database = fs::OpenOptions::new().write(true).open(&path).unwrap();
    database.write_all_at(&[0xA5; 100], 0).unwrap();
    let damaged = fs::read(&path).unwrap();
    let shell = Shell::new(folder.path(), STORE_URI);
    let says = "is not a SQLite database: give another path, or restore it";
    for arguments in [&["serve", "--listen", "127.0.0.1:0"][..], &["tenant", "list"], &["seed"]] {
        let error = refusal(&shell, arguments, 2, "dezky: ");
        assert!(error.contains(says), "{arguments:?}: {error}");
    }
    assert_eq!(fs::read(&path).unwrap(), damaged, "nothing was written over what may be repaired");
}

/// Returns the offset of the first page of a table, and its length.
fn place_of(path: &Path, table: &str) -> (u64, usize) {
    let connection = rusqlite::Connection::open(path).unwrap();
    let size: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = ?";
    let root: i64 = connection.query_row(sql, [table], |row| row.get(0)).unwrap();
    (u64::try_from((root - 1) * size).unwrap(), usize::try_from(size).unwrap())
}

#[test]
fn damaged_pages_are_told_and_spoil_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = Issuer::start(folder.path());
    let server = prepared(&[], folder.path(), STORE_URI, &issuer);
    stop(server);
    let path = file(folder.path());
    let (place, length) = place_of(&path, "subscriptions");
    let database = fs::OpenOptions::new().write(true).open(&path).unwrap();
    database.write_all_at(&vec![0xA5; length], place).unwrap();
    let server = start(&[], folder.path(), STORE_URI, &issuer, &[]);
    let says = "the database file is damaged, stop all processes that use it and restore it";
    let answer = request(&server.address, "GET", "/subscriptions", Some(&server.admin));
    assert_eq!(answer.0, 503, "{answer:?}");
    assert!(obstacle(&server).contains(says), "{}", obstacle(&server));
    assert_eq!(status(&read(&server.address, &server.admin)), 200);
    assert_eq!(status(&create(&server.address, &server.admin, "after")), 201);
    let shell = Shell::new(folder.path(), STORE_URI);
    let error = refusal(&shell, &["subscription", "list"], 5, "store_unavailable: ");
    assert!(error.contains(says), "{error}");
    for slug in ["before", "after"] {
        assert_eq!(shell.json(&["tenant", "show", slug, "--json"])["slug"], slug);
    }
    stop(server);
}
