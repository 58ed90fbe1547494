//! The binary serves the API through a component.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{path::PathBuf, process::Command, sync::OnceLock};

use support::{Process, await_ready, dezky, json, request};

/// The component, built once; `DEZKY_TEST_COMPONENT` names one that is built already.
fn component() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let build = || {
        if let Some(path) = std::env::var_os("DEZKY_TEST_COMPONENT") {
            return path.into();
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/build-component.sh");
        let output = Command::new(script).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        PathBuf::from(String::from_utf8(output.stdout).unwrap().trim())
    };
    BUILT.get_or_init(build).clone()
}

/// The development server with a component: its address, the token of a person and that of an administrator.
fn dev_with(folder: &std::path::Path, isolation: &str) -> (Process, String, String, String) {
    let file = folder.join("component.wasm");
    std::fs::copy(component(), &file).unwrap();
    let mut command = dezky(folder);
    command.args(["dev", "--listen", "127.0.0.1:0", "--isolation", isolation, "--component"]).arg(&file);
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
        command.args(["dev", "--listen", "127.0.0.1:0", "--component", file]);
        let output = command.output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(file) && error.contains(says), "{error}");
    }
}
