//! Tests of the binary serving the API through a component.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use support::{Process, Shell, await_ready, dev, dezky, finished_after_sigterm, hang_up, json, request, served};

/// Returns the component, built once or named by `DEZKY_TEST_COMPONENT`.
fn component() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let given = || std::env::var_os("DEZKY_TEST_COMPONENT").map(PathBuf::from);
    BUILT.get_or_init(|| given().unwrap_or_else(|| build("build-component.sh"))).clone()
}

/// Returns the hostile component, built once.
fn hostile() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build("build-hostile.sh")).clone()
}

/// Runs a component's build script, and returns the path that it prints.
fn build(script: &str) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts").join(script);
    let output = Command::new(script).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
}

/// Copies the component into a folder of the test's own.
fn component_in(folder: &Path) -> PathBuf {
    let file = folder.join("component.wasm");
    std::fs::copy(component(), &file).unwrap();
    file
}

/// Starts the development server with a component. Returns its address, a person's token and an administrator's.
fn dev_with(folder: &Path, isolation: &str) -> (Process, String, String, String) {
    dev_with_options(folder, &["--no-systems", "--isolation", isolation])
}

/// Starts the development server with a component and further options.
fn dev_with_options(folder: &Path, options: &[&str]) -> (Process, String, String, String) {
    let mut command = dezky(folder);
    command.args(["dev", "--listen", "127.0.0.1:0"]).args(options).arg("--component").arg(component_in(folder));
    let process = Process::start(command);
    let listens = process.line("Dezky listens on http://");
    let address = listens.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let token = |line: String| line.split("Bearer ").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    let person = token(process.line("curl "));
    let admin = token(process.line("curl "));
    (process, address, person, admin)
}

#[test]
fn a_revoked_member_loses_the_tenant_at_once_in_both_modes() {
    for isolation in ["shared", "request"] {
        let folder = tempfile::tempdir().unwrap();
        let (mut process, address, person, admin) = dev_with(folder.path(), isolation);
        let profile = json(&request(&address, "GET", "/users/me", Some(&person)));
        assert_eq!(profile["tenants"][0]["slug"], "dezky", "{profile:#}");
        assert_eq!(request(&address, "GET", "/users/me", Some(&admin)).0, 200);
        let member = format!("/tenants/dezky/members/{}", profile["user"]["id"].as_str().unwrap());
        let revoked = request(&address, "DELETE", &member, Some(&admin));
        assert_eq!(revoked.0, 204, "{}", revoked.1);
        let after = json(&request(&address, "GET", "/users/me", Some(&person)));
        assert_eq!(after["tenants"].as_array().unwrap().len(), 0, "{after:#}");
        process.terminate();
        assert_eq!(process.wait().code(), Some(0));
    }
}

#[test]
fn the_host_answers_health_metrics_and_logout_itself() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, person, _) = dev_with(folder.path(), "shared");
    assert_eq!(json(&request(&address, "GET", "/healthz", None))["status"], "alive");
    await_ready(&address, true);
    assert_eq!(request(&address, "GET", "/tenants/dezky", Some(&person)).0, 200);
    let refused = request(&address, "POST", "/oidc/backchannel-logout", None);
    assert_eq!((refused.0, json(&refused)["status"].clone()), (400, 400.into()));
    let (status, text) = request(&address, "GET", "/metrics", None);
    assert_eq!(status, 200);
    assert!(text.contains(r#"route="/tenants/{tenant}""#), "{text}");
    assert!(text.contains("dezky_component_deaths_total 0"), "{text}");
}

#[test]
fn what_is_no_component_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.wasm"), "not a component").unwrap();
    for (file, says) in [("broken.wasm", "is no component"), ("missing.wasm", "cannot be read")] {
        let mut command = dezky(folder.path());
        command.args(["dev", "--no-systems", "--listen", "127.0.0.1:0", "--component", file]);
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(file) && error.contains(says), "{error}");
    }
}

/// Returns the component with an additional, meaningless section: a different file with the same behaviour.
fn varied(bytes: &[u8], number: u8) -> Vec<u8> {
    let mut varied = bytes.to_vec();
    // A custom section: id 0, length 3, a name of one letter, one byte.
    varied.extend([0, 3, 1, b'v', number]);
    varied
}

/// Replaces a file atomically.
fn put(file: &Path, bytes: &[u8]) {
    let beside = file.with_extension("new");
    std::fs::write(&beside, bytes).unwrap();
    std::fs::rename(&beside, file).unwrap();
}

/// Sends requests until told to stop. Returns the number of correct answers, and all others.
fn ask_until(stop: Arc<AtomicBool>, address: String, token: String) -> std::thread::JoinHandle<(u64, Vec<String>)> {
    std::thread::spawn(move || {
        let (mut answered, mut others) = (0, Vec::new());
        while !stop.load(Ordering::Relaxed) {
            let answer = request(&address, "GET", "/users/me", Some(&token));
            if answer.0 == 200 && answer.1.contains("anna@example.eu") {
                answered += 1;
            } else {
                others.push(format!("{} {}", answer.0, answer.1));
            }
        }
        (answered, others)
    })
}

#[test]
fn a_component_is_swapped_under_load_and_a_broken_one_refused_with_no_failed_request() {
    let folder = tempfile::tempdir().unwrap();
    let (mut process, address, person, _) = dev_with(folder.path(), "shared");
    let file = folder.path().join("component.wasm");
    let genuine = std::fs::read(component()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..4).map(|_| ask_until(Arc::clone(&stop), address.clone(), person.clone())).collect();

    put(&file, &varied(&genuine, 1));
    process.line("the component was swapped");
    put(&file, b"not a component");
    assert!(process.line("is refused").contains("is no component"));
    // It is a component, but does not answer like the API.
    put(&file, &std::fs::read(hostile()).unwrap());
    assert!(process.line("is refused").contains("does not answer as the API does"));
    // Overwritten in place in two steps, as by a careless copy.
    let next = varied(&genuine, 2);
    std::fs::write(&file, &next[..next.len() / 2]).unwrap();
    std::fs::write(&file, &next).unwrap();
    process.line("the component was swapped");
    hang_up(&process);
    process.line("the component was swapped");
    std::fs::remove_file(&file).unwrap();
    hang_up(&process);
    assert!(process.line("is refused").contains("cannot be read"));

    let (_, text) = request(&address, "GET", "/metrics", None);
    assert!(text.contains("dezky_component_refusals_total"), "{text}");
    stop.store(true, Ordering::Relaxed);
    for asker in askers {
        let (answered, others) = asker.join().unwrap();
        assert!(answered > 10 && others.is_empty(), "{answered} answered, others: {others:#?}");
    }
    process.terminate();
    assert_eq!(process.wait().code(), Some(0));
}

#[test]
fn serve_takes_a_component_by_flag_and_by_variable_and_finishes_what_is_under_way() {
    for by_flag in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let file = component_in(folder.path());
        let (_issuer, _, _, admin) = dev(folder.path());
        let url = std::fs::read_to_string(folder.path().join(".dezky/issuer-url")).unwrap();
        let mut command = dezky(folder.path());
        command.args(["serve", "--listen", "127.0.0.1:0", "--store", "sqlite:served.sqlite"]);
        command.args(["--oidc-issuer", url.trim(), "--oidc-audience", "dezky"]);
        command.args(["--platform-admin-group", "dezky-platform-admins"]);
        if by_flag {
            command.arg("--component").arg(&file);
        } else {
            command.env("DEZKY_COMPONENT", &file);
        }
        let mut process = Process::start(command);
        let line = process.line("listening address=");
        let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        await_ready(&address, true);
        assert_eq!(request(&address, "GET", "/users/me", Some(&admin)).0, 200);
        // A native server has nothing to swap.
        hang_up(&process);
        process.line("the component was swapped");
        finished_after_sigterm(&mut process, &address, &admin);
    }
}

/// Sends a request to create a tenant, and returns its status and head.
fn create(address: &str, token: &str, slug: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let body = format!(r#"{{"slug":"{slug}","name":"{slug}"}}"#);
    write!(
        stream,
        "POST /tenants HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), answer)
}

#[test]
fn valid_creations_through_a_component_all_succeed() {
    const AT_ONCE: usize = 4;
    let soak = std::env::var("DEZKY_TEST_CREATIONS").map_or(600, |number| number.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, _, admin) = dev_with(folder.path(), "shared");
    std::thread::scope(|scope| {
        for asker in 0..AT_ONCE {
            let (address, admin) = (&address, &admin);
            scope.spawn(move || {
                for number in (asker..soak).step_by(AT_ONCE) {
                    let (status, answer) = create(address, admin, &format!("made-{number}"));
                    assert_eq!(status, 201, "{number}: {answer}");
                }
            });
        }
    });
}

#[test]
fn what_does_not_answer_as_the_api_is_not_served_at_all() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(hostile(), folder.path().join("other.wasm")).unwrap();
    let mut command = dezky(folder.path());
    command.args(["dev", "--no-systems", "--listen", "127.0.0.1:0", "--component", "other.wasm"]);
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("does not answer as the API does"), "{error}");
}

#[test]
fn what_only_the_host_has_configured_is_confirmed_through_a_component() {
    let folder = tempfile::tempdir().unwrap();
    let file = component_in(folder.path());
    let settings = [("DEZKY_COMPONENT", file.to_str().unwrap()), ("DEZKY_CHAT_URL", "https://{slug}.chat.example.eu")];
    let server = served::serve(folder.path(), "sqlite:served.sqlite", &settings);
    let confirm = |system: &str| {
        let path = format!("/tenants/dezky/workspace/{system}/confirm");
        request(&server.address, "POST", &path, Some(&server.admin))
    };
    let confirmed = confirm("chat");
    assert_eq!(confirmed.0, 200, "{}", confirmed.1);
    for other in ["meetings", "files", "telephone"] {
        let refused = confirm(other);
        assert_eq!((refused.0, json(&refused)["code"].as_str()), (404, Some("not_found")), "{other}: {}", refused.1);
    }
}

#[test]
fn a_component_shows_where_systems_are() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, person, _) = dev_with_options(folder.path(), &[]);
    let shell = Shell::new(folder.path(), "sqlite:.dezky/dezky.sqlite");
    let last = shell.lines(&["workspace", "show", "dezky", "--follow", "--json"]).pop().unwrap();
    assert_eq!(last["ready"], true, "{last:#}");
    let shown = json(&request(&address, "GET", "/tenants/dezky/workspace", Some(&person)));
    assert_eq!(shown["ready"], true, "{shown:#}");
    let url = |system: &str| {
        let links = shown["links"].as_array().unwrap();
        links.iter().find(|link| link["system"] == system).unwrap()["url"].as_str().map(str::to_owned)
    };
    // People go to the mail system from their own programs.
    assert_eq!(url("mail"), None);
    let (files, identity) = (url("files"), url("identity"));
    assert!(files.as_ref().is_some_and(|url| url.starts_with("http://127.0.0.1:")), "{shown:#}");
    assert!(identity.as_ref().is_some_and(|url| url.starts_with("http://127.0.0.1:")), "{shown:#}");
    assert_ne!(files, identity);
}

#[test]
fn a_component_waits_for_a_system_whose_first_event_is_on_its_way() {
    let folder = tempfile::tempdir().unwrap();
    let file = component_in(folder.path());
    let settings = [
        ("DEZKY_COMPONENT", file.to_str().unwrap()),
        // Nothing is asked, and no event handled: none of the systems has a state.
        ("DEZKY_TASKS", "none"),
        ("DEZKY_OCIS_URL", "http://127.0.0.1:9/"),
        ("DEZKY_OCIS_USER", "dezky"),
        ("DEZKY_OCIS_SECRET", "a-secret-of-tests"),
    ];
    let server = served::serve(folder.path(), "sqlite:served.sqlite", &settings);
    let read = |path: &str| json(&request(&server.address, "GET", path, Some(&server.admin)));
    assert_eq!(read("/tenants/dezky")["status"], "active", "a pending one is not ready anyway");
    let shown = read("/tenants/dezky/workspace");
    assert_eq!(
        (shown["ready"].as_bool(), shown["systems"].as_array().map(Vec::len)),
        (Some(false), Some(0)),
        "{shown:#}"
    );
}
