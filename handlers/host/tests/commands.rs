//! Tests of commands that end: invalid settings, seeding, the OpenAPI document, and tokens.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::Write,
    process::{Output, Stdio},
    time::Duration,
};

use dezky::{
    clock::{Clock, SystemClock},
    test_kit::DevelopmentIssuer,
};
use support::dezky;

fn run(environment: &[(&str, &str)], arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    dezky(folder.path()).envs(environment.iter().copied()).args(arguments).output().unwrap()
}

/// Environment, arguments, and the text that the error line must contain.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

#[test]
fn a_wrong_setting_stops_the_start_with_one_line() {
    let store = ("DEZKY_STORE", "sqlite:a.sqlite");
    let issuer = ("DEZKY_OIDC_ISSUER", "https://auth.example.eu/");
    let audience = ("DEZKY_OIDC_AUDIENCE", "dezky");
    let cases: &[Case] = &[
        (&[], &["serve"], "DEZKY_STORE"),
        (&[store], &["serve"], "DEZKY_OIDC_ISSUER"),
        (&[store, issuer, audience, ("DEZKY_LISTEN", "x")], &["serve"], "DEZKY_LISTEN"),
        (&[store, issuer, audience], &["serve", "--listen", "x"], "--listen"),
        (&[store, issuer, audience], &["serve", "--config", "none.toml"], "none.toml"),
        (&[store, issuer, audience, ("DEZKY_LOGS", "x")], &["serve"], "DEZKY_LOG"),
        (&[store, issuer, audience, ("DEZKY_LOG_FORMAT", "xml")], &["serve"], "DEZKY_LOG_FORMAT"),
        (&[store, ("DEZKY_OIDC_ISSUER", "http://auth.example.eu/"), audience], &["serve"], "DEZKY_OIDC_ISSUER"),
        (&[("DEZKY_STORE", "sqlite:/dev/null/a")], &["seed"], "DEZKY_STORE"),
        (&[store, ("DEZKY_SEED_SLUG", "-")], &["seed"], "DEZKY_SEED_SLUG"),
    ];
    for (environment, arguments, named) in cases {
        let output = run(environment, arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{named}: {text}");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains(named), "{named}: {text}");
    }
}

#[test]
fn seeding_says_what_it_did_and_can_be_done_again() {
    let folder = tempfile::tempdir().unwrap();
    let seed = || dezky(folder.path()).args(["seed", "--store", "sqlite:dezky.sqlite"]).output().unwrap();
    assert!(String::from_utf8(seed().stdout).unwrap().contains("tenant `dezky`: created"));
    assert!(String::from_utf8(seed().stdout).unwrap().contains("tenant `dezky`: was there already"));
}

#[test]
fn openapi_prints_the_document() {
    let document: serde_json::Value = serde_json::from_slice(&run(&[], &["openapi"]).stdout).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/users/me"].is_object());
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_are_verified_as_the_server_does() {
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let jwks = folder.path().join("jwks.json");
    std::fs::write(&jwks, issuer.jwks().to_string()).unwrap();
    let verify = |token: &str, arguments: &[&str]| {
        let mut command = dezky(folder.path());
        command.args(["token", "verify", "--jwks", "jwks.json"]).args(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(token.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    };
    let claims = issuer.claims("anna");
    let good = issuer.mint(&claims);
    let (code, output, _) = verify(&good, &["--audience", "dezky"]);
    assert_eq!(code, 0);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&output).unwrap(), claims.json());
    assert_eq!(verify("", &["--audience", "dezky", &good]).0, 0);
    let expired = issuer
        .mint(&claims.clone().lasting(SystemClock.now().minus(Duration::from_secs(3_600)), Duration::from_secs(60)));
    let forged = issuer.forge_signature(&claims);
    for (token, audience, expected) in [
        (&expired, "dezky", "token_expired: "),
        (&good, "other", "token_audience: "),
        (&forged, "dezky", "token_signature: "),
        (&"nonsense".to_owned(), "dezky", "token_malformed: "),
    ] {
        let (code, output, error) = verify(token, &["--audience", audience]);
        assert_eq!((code, output.as_str()), (1, ""), "{error}");
        assert!(error.starts_with(expected) && error.lines().count() == 1, "{error}");
    }
    let week = issuer.mint(&claims.clone().lasting(SystemClock.now(), Duration::from_secs(7 * 24 * 3_600)));
    let (code, _, error) = verify(&week, &["--audience", "dezky"]);
    assert!(code == 1 && error.contains("at most 24 hours") && error.contains("`max_token_life`"), "{error}");
    assert_eq!(verify(&week, &["--audience", "dezky", "--max-token-life", "7d"]).0, 0);
    assert_eq!(verify(&week, &["--audience", "dezky", "--max-token-life", "8d"]).0, 2);
    let (code, output, _) = verify(&expired, &["--signature-only"]);
    assert_eq!(code, 0);
    assert!(output.starts_with('{') && output.ends_with('}'), "{output}");
    assert_eq!(verify(&good, &[]).0, 2, "an audience is needed");
    let by_discovery = ["token", "verify", "--issuer", issuer.url(), "--audience", "dezky", &good];
    assert_eq!(dezky(folder.path()).args(by_discovery).output().unwrap().status.code(), Some(0));
}

#[test]
fn completions_and_manual_pages_tell_about_every_command() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let output = dezky(folder.path()).args(["completions", shell]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && text.contains("subscription") && text.contains("idempotency-key"),
            "{shell}"
        );
        let file = folder.path().join(shell);
        std::fs::write(&file, text).unwrap();
        // A shell that is not installed is skipped; bash is available wherever tests run.
        let checked = std::process::Command::new(shell).arg("-n").arg(&file).output();
        match checked {
            Ok(output) => assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => assert!(shell != "bash" && error.kind() == std::io::ErrorKind::NotFound, "{shell}: {error}"),
        }
    }
    assert!(dezky(folder.path()).args(["man", "pages/man1"]).status().unwrap().success());
    for (page, text) in [("dezky", "doctor"), ("dezky-tenant-delete", "reserved for ever"), ("dezky-audit", "actor")] {
        let path = folder.path().join(format!("pages/man1/{page}.1"));
        let manual = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{page}: {error}"));
        assert!(manual.contains(text), "{page}: {manual}");
    }
}

#[test]
fn every_option_of_every_command_has_help() {
    fn pages(folder: &std::path::Path, path: &[&str], seen: &mut usize) {
        let output = dezky(folder).args(path).arg("--help").output().unwrap();
        assert!(output.status.success(), "{path:?}");
        let help = String::from_utf8(output.stdout).unwrap();
        *seen += 1;
        let (_, commands) = help.split_once("\nCommands:\n").unwrap_or_default();
        let commands = commands.split("\n\n").next().unwrap();
        // A line that is indented further continues the previous one.
        for line in commands.lines().filter(|line| !line.starts_with("   ")) {
            let name = line.split_whitespace().next().unwrap();
            assert!(line.split_whitespace().count() > 2, "{path:?}: no help of `{name}`");
            if name != "help" {
                pages(folder, &[path, &[name]].concat(), seen);
            }
        }
        let lines: Vec<&str> = help.lines().collect();
        for (position, line) in lines.iter().enumerate() {
            let option = line.trim_start();
            // Text that is indented further is the help of an option, which may mention others.
            if line.len() - option.len() > 6 {
                continue;
            }
            if option.starts_with("--") || option.starts_with("-h,") || option.starts_with("-y,") {
                let told =
                    option.contains("  ") || lines.get(position + 1).is_some_and(|next| next.starts_with("          "));
                assert!(told, "{path:?}: no help of {option}");
            }
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut seen = 0;
    pages(folder.path(), &[], &mut seen);
    assert!(seen > 30, "{seen} pages");
}
