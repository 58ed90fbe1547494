//! Tests of an untrusted component: who can have written it, and how much of the machine's memory it takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    thread,
};

use support::{Process, dezky, hang_up, request};

/// Returns the hostile component, built once.
fn hostile() -> &'static [u8] {
    static BUILT: OnceLock<Vec<u8>> = OnceLock::new();
    BUILT.get_or_init(|| {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/build-hostile.sh");
        let output = Command::new(script).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::read(String::from_utf8(output.stdout).unwrap().trim()).unwrap()
    })
}

/// Returns `dezky serve` with a component, which answers the host's probe for this domain.
fn serve(folder: &Path, component: &Path) -> Command {
    let mut command = dezky(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", "sqlite:dezky.sqlite"]);
    command.args(["--oidc-issuer", "http://127.0.0.1:9/", "--oidc-audience", "dezky"]);
    command.args(["--public-domain", "obliging.example", "--component"]).arg(component);
    command
}

/// Starts the server, and returns it with its address.
fn served(folder: &Path, component: &Path) -> (Process, String) {
    let process = Process::start(serve(folder, component));
    let line = process.line("listening address=");
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    (process, address)
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Returns the single line of a server that refuses to start.
fn refusal(folder: &Path, component: &Path) -> String {
    let output = serve(folder, component).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    let line = error.lines().find(|line| line.contains("is not trusted")).unwrap_or_else(|| panic!("{error}"));
    line.to_owned()
}

#[test]
fn a_component_that_others_may_write_or_replace_is_refused_with_what_to_change() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let file = inner.join("api.wasm");
    fs::write(&file, hostile()).unwrap();
    let linked = folder.path().join("linked.wasm");
    symlink("inner/api.wasm", &linked).unwrap();
    for (changed, modes) in [(&file, &[0o620, 0o602, 0o666][..]), (&inner, &[0o777, 0o775])] {
        for mode in modes {
            allow(changed, *mode);
            for name in [&file, &linked] {
                let line = refusal(folder.path(), name);
                let advice = format!("run `chmod go-w '{}'`", changed.display());
                assert!(line.contains("can be written by others") && line.contains(&advice), "{mode:o}: {line}");
            }
            allow(changed, if changed.is_dir() { 0o755 } else { 0o644 });
        }
    }
    // Anybody who can write to the link's folder can redirect it.
    let open = folder.path().join("open");
    fs::create_dir(&open).unwrap();
    symlink("../inner/api.wasm", open.join("api.wasm")).unwrap();
    allow(&open, 0o777);
    assert!(refusal(folder.path(), &open.join("api.wasm")).contains("open"));
    // In a folder like `/tmp`, only owners can rename and remove their files.
    allow(&open, 0o1777);
    let (mut process, address) = served(folder.path(), &open.join("api.wasm"));
    assert_eq!(request(&address, "GET", "/anything", None).0, 200);

    // A swap refuses it too, and the previous component stays.
    allow(&file, 0o666);
    hang_up(&process);
    let line = process.line("is refused");
    assert!(line.contains("can be written by others") && line.contains("chmod go-w"), "{line}");
    assert_eq!(request(&address, "GET", "/anything", None).0, 200);
    allow(&file, 0o644);
    hang_up(&process);
    process.line("the component was swapped");
    process.terminate();
    assert_eq!(process.wait().code(), Some(0));
}

/// Returns a value from `/proc/PID/status`, in bytes.
fn status(process: &Process, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/status", process.child.id())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1_024
}

/// Resets the recorded peak memory of a process.
fn begin_measuring(process: &Process) {
    fs::write(format!("/proc/{}/clear_refs", process.child.id()), "5").unwrap();
}

/// Sends concurrent requests, and returns their statuses.
fn at_once(address: &str, paths: &[String]) -> Vec<u16> {
    thread::scope(|scope| {
        let asking: Vec<_> = paths.iter().map(|path| scope.spawn(|| request(address, "GET", path, None).0)).collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    })
}

#[test]
fn sixteen_hostile_instances_together_stay_below_200_megabytes() {
    const INSTANCES: usize = 16;
    const MEGABYTE: u64 = 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("api.wasm");
    fs::write(&file, hostile()).unwrap();
    // Compiling takes more memory, so the first server does it for the one that is measured.
    let (mut process, _) = served(folder.path(), &file);
    process.terminate();
    process.wait();
    let (process, address) = served(folder.path(), &file);
    assert_eq!(request(&address, "GET", "/anything", None).0, 200);
    let rests = status(&process, "VmRSS");
    begin_measuring(&process);
    let kinds = ["fields", "waits", "streams", "argument", "endless-answer", "randomness", "memory", "answer"];
    let path = |what: &str| format!("/hoard?what={what}");
    let mut told = Vec::new();
    for what in kinds {
        let statuses = at_once(&address, &vec![path(what); INSTANCES]);
        let expected: &[u16] = match what {
            // A few fit at a time: both for memory beyond each instance's own, and for unread answers of one address.
            "memory" | "answer" => &[200, 503],
            // The instances' own memory that this needs may be taken by others.
            "argument" | "endless-answer" => &[500, 503],
            "randomness" => &[200],
            _ => &[500],
        };
        assert!(statuses.iter().all(|status| expected.contains(status)), "{what}: {statuses:?}");
        told.push(format!("{what} {} MB", status(&process, "VmHWM") / MEGABYTE));
    }
    // All of it concurrently.
    at_once(&address, &kinds.iter().cycle().take(INSTANCES).map(|what| path(what)).collect::<Vec<_>>());
    // Pages of the program's file are not counted: a build for tests has several times as many, and they can be evicted.
    let peak = status(&process, "VmHWM") - status(&process, "RssFile");
    told.push(format!("together {} MB without the program's pages", peak / MEGABYTE));
    assert!(peak < 200 * MEGABYTE, "at rest {} MB, then {told:?}", rests / MEGABYTE);
    assert_eq!(request(&address, "GET", "/anything", None).0, 200);
    let (_, metrics) = request(&address, "GET", "/metrics", None);
    let failures = metrics.lines().find_map(|line| line.strip_prefix("dezky_component_failures_total ")).unwrap();
    assert!(failures.parse::<usize>().unwrap() >= 3 * INSTANCES, "{failures}");
}
