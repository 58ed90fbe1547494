//! Tests that `dezky doctor` finds each possible problem and gives advice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "doctor/billing.rs"]
mod billing;
#[path = "doctor/endpoints.rs"]
mod endpoints;
mod support;

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::Arc,
    time::Duration,
};

use dezky::{
    authn::keys::{ArchivedKeySet, KeySetArchive as _, StoreArchive},
    clock::{Clock as _, SystemClock},
    context::RequestContext,
    domain::{DeferredEvent, Event, Issuer, OutboxEvent, OutboxEventId, TaskRecord, TenantId},
    store::{
        Commit, SharedStore, Store as _,
        sqlite::{SqliteOptions, SqliteStore},
    },
    test_kit::{Behaviour, DevelopmentIssuer, DevelopmentIssuerOptions},
};
use serde_json::Value;
use support::Shell;

/// Runs the command, and returns its exit code and findings.
fn examine(shell: &Shell, arguments: &[&str]) -> (i32, Vec<Value>) {
    let (code, output, _) = shell.run(&[&["doctor", "--json"], arguments].concat());
    let report: Value = serde_json::from_str(&output).unwrap();
    let findings = report["findings"].as_array().unwrap().clone();
    let errors = findings.iter().any(|finding| finding["level"] == "error");
    assert_eq!(report["healthy"], !errors);
    assert_eq!(code, i32::from(errors), "{report:#}");
    let told =
        |finding: &Value| finding["level"] == "ok" || finding["advice"].as_str().is_some_and(|text| !text.is_empty());
    assert!(findings.iter().all(told), "each finding says what to do: {report:#}");
    (code, findings)
}

/// Returns the joined messages of a check at a level.
fn messages(findings: &[Value], level: &str, check: &str) -> String {
    let wanted = findings.iter().filter(|finding| finding["level"] == level && finding["check"] == check);
    wanted.map(|finding| finding["message"].as_str().unwrap()).collect::<Vec<_>>().join("; ")
}

fn shell(folder: &Path, issuer: &str) -> Shell {
    Shell { issuer: issuer.to_owned(), ..Shell::new(folder, "sqlite:dezky.sqlite") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_healthy_installation_has_no_errors() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let shell = shell(folder.path(), issuer.url());
    assert_eq!(shell.run(&["seed"]).0, 0);
    let (code, findings) = examine(&shell, &[]);
    assert_eq!(code, 0);
    assert!(messages(&findings, "ok", "store").contains("schema version 2; can be written"), "{findings:#?}");
    assert_eq!(messages(&findings, "ok", "indexes"), "all there");
    assert!(messages(&findings, "ok", "tasks").contains("none of the"), "{findings:#?}");
    assert!(
        messages(&findings, "ok", "issuer default").contains("discovery works, 1 usable keys for"),
        "{findings:#?}"
    );
    assert!(messages(&findings, "ok", "clock beside issuer default").contains("s apart"), "{findings:#?}");
    let (code, text, _) = shell.run(&["doctor"]);
    assert!(
        code == 0 && text.contains("warning  configuration: no group") && text.contains("         -> set"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_store_is_not_made_by_looking_and_open_permissions_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let shell = shell(folder.path(), issuer.url());
    let (code, findings) = examine(&shell, &[]);
    assert!(code == 0 && messages(&findings, "warning", "store").contains("is not there"), "{findings:#?}");
    assert!(!folder.path().join("dezky.sqlite").exists());
    assert_eq!(shell.run(&["seed"]).0, 0);
    let file = folder.path().join("dezky.sqlite");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (_, findings) = examine(&shell, &[]);
    assert!(messages(&findings, "warning", "store permissions").contains("644"), "{findings:#?}");
    std::fs::write(folder.path().join("text.sqlite"), "this is not a database, however long it may be ".repeat(20))
        .unwrap();
    let (code, findings) = examine(&shell, &["--store", "sqlite:text.sqlite"]);
    assert!(code == 1 && messages(&findings, "error", "store").contains("not a SQLite database"), "{findings:#?}");
    let (code, findings) = examine(&shell, &["--store", "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200"]);
    assert!(code == 1 && !messages(&findings, "error", "store").is_empty(), "{findings:#?}");
}

#[test]
fn wrong_settings_and_absent_issuers_are_findings() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path(), "");
    std::fs::write(folder.path().join("dezky.toml"), "stor = 'sqlite:x'\n").unwrap();
    let (code, findings) = examine(&shell, &[]);
    assert!(code == 1 && messages(&findings, "error", "configuration").contains("`stor`"), "{findings:#?}");
    std::fs::remove_file(folder.path().join("dezky.toml")).unwrap();
    let shell = self::shell(folder.path(), "http://127.0.0.1:9/");
    let (code, findings) = examine(&shell, &[]);
    assert!(code == 1 && messages(&findings, "error", "issuer default").contains("does not answer"), "{findings:#?}");
}

#[test]
fn who_may_read_secrets_and_write_the_component_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let allow = |name: &str, mode| {
        std::fs::set_permissions(folder.path().join(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    let put = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let examine = || {
        let mut command = support::dezky(folder.path());
        let output = command.args(["doctor", "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        report["findings"].as_array().unwrap().clone()
    };
    let mongodb = "store = 'mongodb://dezky:secret@127.0.0.1:9/dezky?serverSelectionTimeoutMS=200'\n";
    let pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    put("dezky.toml", mongodb);
    for (mode, who) in [(0o644, "everybody"), (0o604, "everybody"), (0o640, "its group")] {
        allow("dezky.toml", mode);
        let findings = examine();
        let told = messages(&findings, "warning", "secrets");
        assert!(
            told.contains("password of MongoDB") && told.contains(who) && !told.contains("secret@"),
            "{findings:#?}"
        );
    }
    allow("dezky.toml", 0o600);
    assert_eq!(messages(&examine(), "warning", "secrets"), "");
    // A file without secrets may be readable by others.
    put("dezky.toml", "store = 'sqlite:dezky.sqlite'\n");
    allow("dezky.toml", 0o644);
    assert_eq!(messages(&examine(), "warning", "secrets"), "");

    put("api.wasm", "whatever it is");
    put("dezky.toml", "store = 'sqlite:dezky.sqlite'\ncomponent.file = 'api.wasm'\n");
    allow("api.wasm", 0o644);
    assert!(messages(&examine(), "ok", "component").contains("nobody else"));
    allow("api.wasm", 0o664);
    let findings = examine();
    assert!(messages(&findings, "error", "component").contains("chmod go-w"), "{findings:#?}");
    std::fs::remove_file(folder.path().join("api.wasm")).unwrap();
    assert!(messages(&examine(), "error", "component").contains("cannot be read"));

    let certificate = rcgen::generate_simple_self_signed(["ca.example".to_owned()]).unwrap().cert.pem();
    put("authorities.pem", &format!("{certificate}{pem}"));
    put("dezky.toml", "store = 'sqlite:dezky.sqlite'\nextra_ca_certs = 'authorities.pem'\n");
    allow("authorities.pem", 0o644);
    let findings = examine();
    assert!(messages(&findings, "warning", "secrets").contains("private key"), "{findings:#?}");
}

/// Starts an issuer that serves these keys and this time.
fn issuer(keys: &'static str, date: &'static str) -> String {
    issuer_with(|url| format!(r#"{{"issuer":"{url}","jwks_uri":"{url}jwks"}}"#), keys, date)
}

/// Does the same with another discovery document.
fn issuer_with(discovery: impl Fn(&str) -> String, keys: &'static str, date: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let discovery = discovery(&url);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let first = lines.next().unwrap_or_default();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let body = if first.starts_with("GET /jwks ") { keys } else { &discovery };
            let length = body.len();
            let head =
                format!("HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _gone = write!(&stream, "{head}{body}");
        }
    });
    url
}

#[test]
fn what_each_issuer_may_give_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path(), "http://127.0.0.1:9/");
    let issuers = r#"
        platform_admin_group = 'admins'
        [[issuers]]
        id = 'silent'
        urls = ['http://127.0.0.1:9/silent']
        audiences = ['dezky']
        [[issuers]]
        id = 'partner'
        urls = ['http://127.0.0.1:9/partner']
        audiences = ['dezky']
        groups = 'sync'
        groups_absent = 'none'
        tenant = 'acme'
        claims.groups = '/realm_access/roles'
    "#;
    std::fs::write(folder.path().join("dezky.toml"), issuers).unwrap();
    let (_, findings) = examine(&shell, &[]);
    let told = |issuer: &str| messages(&findings, "ok", &format!("rights by issuer {issuer}"));
    let first = told("default");
    assert!(
        first.contains("`groups` gives memberships of every tenant") && first.contains("the group `admins`"),
        "{first}"
    );
    assert!(
        first.contains("without the claim changes nothing") && first.contains("`groups_absent = \"none\"` fits"),
        "{first}"
    );
    assert!(told("silent").contains("gives nothing: its groups are not read"), "{}", told("silent"));
    let partner = told("partner");
    assert!(partner.contains("`/realm_access/roles` gives memberships of the tenant `acme` alone;"), "{partner}");
    assert!(partner.contains("takes all of this away") && !partner.contains("admins"), "{partner}");
    for (wrong, told) in [("''", "must be the name of a claim"), ("'/a~2b'", "is no JSON pointer")] {
        let wrong = issuers.replace("'/realm_access/roles'", wrong);
        std::fs::write(folder.path().join("dezky.toml"), wrong).unwrap();
        let message = messages(&examine(&shell, &[]).1, "error", "configuration");
        assert!(message.contains("`claims.groups` of issuer `partner`") && message.contains(told), "{message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_certificates_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let options = DevelopmentIssuerOptions { https: true, ..DevelopmentIssuerOptions::default() };
    let issuer = DevelopmentIssuer::start_with(options).await.unwrap();
    let shell = shell(folder.path(), issuer.url());
    let (code, findings) = examine(&shell, &[]);
    assert!(code == 1 && messages(&findings, "error", "issuer default").contains("certificate"), "{findings:#?}");
    std::fs::write(folder.path().join("ca.pem"), issuer.ca_pem().unwrap()).unwrap();
    std::fs::write(folder.path().join("dezky.toml"), "extra_ca_certs = 'ca.pem'\n").unwrap();
    let (code, findings) = examine(&shell, &[]);
    assert_eq!(code, 0, "{findings:#?}");
    let told = messages(&findings, "ok", "certificates");
    assert!(told.starts_with("1 added CA certificates can be read; 1 valid until 4096"), "{told}");
    assert!(messages(&findings, "ok", "certificate of issuer default").contains("valid until 4096"), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_an_issuer_that_ends_soon_or_has_ended_is_told() {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let now = SystemClock.now();
    for (end, level, check, told) in [
        (now.plus(DAY * 30), "ok", "certificate of issuer default", "valid until"),
        (now.plus(DAY * 10 + DAY / 2), "warning", "certificate of issuer default", "10 days from now"),
        (now.minus(DAY), "error", "issuer default", "certificate"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let issuer = DevelopmentIssuer::start_with(DevelopmentIssuerOptions {
            https: true,
            certificate_expires_at: Some(end),
            ..DevelopmentIssuerOptions::default()
        });
        let issuer = issuer.await.unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.ca_pem().unwrap()).unwrap();
        std::fs::write(folder.path().join("dezky.toml"), "extra_ca_certs = 'ca.pem'\n").unwrap();
        let (code, findings) = examine(&shell(folder.path(), issuer.url()), &[]);
        assert_eq!(code, i32::from(level == "error"), "{findings:#?}");
        assert!(messages(&findings, level, check).contains(told), "{told}: {findings:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn how_many_keys_came_where_they_may_be_and_how_long_tokens_live_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (platform, own, garbage) = (
        DevelopmentIssuer::start().await.unwrap(),
        DevelopmentIssuer::start().await.unwrap(),
        DevelopmentIssuer::start().await.unwrap(),
    );
    let mut keys = platform.jwks()["keys"].as_array().unwrap().clone();
    keys.push(serde_json::json!({ "kty": "oct", "kid": "secret", "k": "c2VjcmV0" }));
    platform.behave(Behaviour::Keys(keys));
    own.outage(true);
    garbage.behave(Behaviour::GarbageKeys);
    let table = |id: &str, url: &str, more: &str| {
        format!("[[issuers]]\nid = '{id}'\nurls = ['{url}']\naudiences = ['dezky']\n{more}\n")
    };
    let file = [table("own", own.url(), "tenant = 'acme'\nmax_token_life = '7d'"), table("garbage", garbage.url(), "")];
    std::fs::write(folder.path().join("dezky.toml"), file.concat()).unwrap();
    let (code, findings) = examine(&shell(folder.path(), platform.url()), &[]);
    assert_eq!(code, 1, "{findings:#?}");
    let told = |level, issuer: &str| messages(&findings, level, &format!("issuer {issuer}"));
    assert!(
        told("ok", "default").contains("1 usable keys for RS256") && told("ok", "default").contains("; 2 came"),
        "{findings:#?}"
    );
    assert!(told("warning", "default").contains("key `secret`: a symmetric key"), "{findings:#?}");
    let tenants = told("warning", "own");
    assert!(tenants.contains("may live 7 days") && tenants.contains("the tenant `acme` is concerned"), "{tenants}");
    assert_eq!(told("error", "own"), "");
    assert!(told("error", "garbage").contains("no usable key: 4 came; key `garbage`: an RSA key of"), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_with_keys_elsewhere_is_told_with_the_setting_that_allows_it() {
    let folder = tempfile::tempdir().unwrap();
    let url = issuer_with(
        |url| format!(r#"{{"issuer":"{url}","jwks_uri":"https://169.254.169.254/keys"}}"#),
        "{}",
        "Sun, 06 Nov 1994 08:49:37 GMT",
    );
    let (code, findings) = examine(&shell(folder.path(), &url), &[]);
    let finding =
        findings.iter().find(|finding| finding["check"] == "issuer default" && finding["level"] == "error").unwrap();
    assert_eq!(code, 1);
    assert!(
        finding["message"].as_str().unwrap().contains("add `169.254.169.254` to `jwks_hosts` of issuer `default`"),
        "{finding:#}"
    );
    assert!(finding["advice"].as_str().unwrap().contains("what the finding names"), "{finding:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_the_keys_that_would_serve_while_the_issuer_is_away_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let shell = shell(folder.path(), issuer.url());
    assert_eq!(shell.run(&["seed"]).0, 0);
    let (_, findings) = examine(&shell, &[]);
    assert!(messages(&findings, "warning", "issuer default").contains("no keys are stored"), "{findings:#?}");
    let store = SqliteStore::open(folder.path().join("dezky.sqlite"), SqliteOptions::default(), dezky::COLLECTIONS);
    let store: SharedStore = Arc::new(store.unwrap());
    for (hours, level, told) in [(25, "warning", "1500 minutes old: too old to serve"), (1, "ok", "60 minutes old")] {
        let keys = ArchivedKeySet {
            json: r#"{"keys":[]}"#.to_owned(),
            origin: issuer.jwks_url().to_owned(),
            fetched_at: SystemClock.now().minus(Duration::from_secs(hours * 60 * 60)),
        };
        StoreArchive::new(Arc::clone(&store)).save("default", &keys).await.unwrap();
        let (code, findings) = examine(&shell, &[]);
        assert!(code == 0 && messages(&findings, level, "issuer default").contains(told), "{findings:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_logins_of_tenants_are_listed_and_their_keys_fetched() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let shell = shell(folder.path(), issuer.url());
    assert_eq!(shell.run(&["seed"]).0, 0);
    let (_, findings) = examine(&shell, &[]);
    assert_eq!(messages(&findings, "ok", "logins of tenants"), "no tenant has a login of its own");
    let store = SqliteStore::open(folder.path().join("dezky.sqlite"), SqliteOptions::default(), dezky::COLLECTIONS);
    let store = store.unwrap();
    let mut commit = Commit::new();
    let mut expected = Vec::new();
    for (slug, url, on, told) in [
        ("acme", "https://acme.invalid/application/o/dezky-tenant-acme/", "true", "the people of the tenant `acme`"),
        ("beta", "https://beta.invalid/application/o/dezky-tenant-beta/", "false", "is switched off"),
        ("gamma", "https://10.0.0.5/application/o/dezky-tenant-gamma/", "true", "name of a public host"),
        ("delta", issuer.url(), "true", "also the issuer `default` of the configuration"),
    ] {
        let made = shell.json(&["tenant", "create", slug, "--name", slug, "--isolated-login", on, "--json"]);
        assert_eq!(made["isolatedLogin"], on == "true");
        let tenant: TenantId = made["id"].as_str().unwrap().parse().unwrap();
        commit.insert(&Issuer::of_login(tenant, url, &format!("dezky-{tenant}"), SystemClock.now())).unwrap();
        expected.push((format!("issuer Tenant-{tenant}"), told));
    }
    store.commit(&RequestContext::system("test"), &commit).await.unwrap();
    let (code, findings) = examine(&shell, &[]);
    assert_eq!(code, 0, "a tenant's own login concerns its people: {findings:#?}");
    for (check, told) in expected {
        let message = messages(&findings, "warning", &check);
        assert!(message.contains(told), "{check}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_fail_and_events_that_wait_for_too_long_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path(), "http://127.0.0.1:9/");
    assert_eq!(shell.run(&["seed"]).0, 0);
    let store = SqliteStore::open(folder.path().join("dezky.sqlite"), SqliteOptions::default(), dezky::COLLECTIONS);
    let store = store.unwrap();
    let event = |action: &str, minutes: u64| OutboxEvent {
        id: OutboxEventId::generate(),
        version: 1,
        action: action.to_owned(),
        tenant_id: Some(TenantId::generate()),
        user_id: None,
        resource: None,
        changed_fields: vec!["name".to_owned()],
        created_at: SystemClock.now().minus(Duration::from_secs(minutes * 60)),
    };
    let mut commit = Commit::new();
    let (failed, last_error) = (SystemClock.now(), Some("store_unavailable: the store is away".to_owned()));
    let expiry =
        TaskRecord { version: 1, failures: 3, failed_at: Some(failed), last_error, ..TaskRecord::new("expiry") };
    commit.insert(&expiry).unwrap();
    commit.insert(&event("tenant.update", 10)).unwrap();
    let (deferred, due) = (Event::at(7, event("tenant.delete", 1)), SystemClock.now().plus(Duration::from_secs(60)));
    commit.insert(&DeferredEvent::new("cancellation", &deferred, due, "conflict: try again".to_owned())).unwrap();
    store.commit(&RequestContext::system("test"), &commit).await.unwrap();
    let (_, findings) = examine(&shell, &[]);
    for (task, told) in [
        ("expiry", "it fails (3 times in a row; it removes expired records): store_unavailable: the store is away"),
        ("copies", "events wait for it since 2"),
        ("cancellation", "1 of its events failed and wait for a retry"),
    ] {
        let message = messages(&findings, "warning", &format!("task {task}"));
        assert!(message.contains(told), "{task}: {message}");
    }
    assert_eq!(messages(&findings, "ok", "tasks"), "");
}

/// Returns a self-signed CA certificate as PEM.
fn authority(name: &str, ends_in: i32) -> String {
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.not_after = rcgen::date_time_ymd(ends_in, 6, 30);
    parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap().pem()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_is_one_line_and_an_ended_authority_in_it_is_named_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let shell = shell(folder.path(), issuer.url());
    let bundle: String = (0..20).map(|number| authority(&format!("Root {number}"), 3000 + number)).collect();
    std::fs::write(folder.path().join("ca.pem"), bundle + &authority("Old Root", 2001)).unwrap();
    std::fs::write(folder.path().join("dezky.toml"), "extra_ca_certs = 'ca.pem'\n").unwrap();
    let (code, findings) = examine(&shell, &[]);
    assert_eq!(code, 0, "{findings:#?}");
    let told = messages(&findings, "ok", "certificates");
    assert!(told.starts_with("21 added CA certificates can be read; 20 valid until 3000-06-30"), "{told}");
    let told = messages(&findings, "warning", "added CA certificate");
    assert!(told.starts_with("Old Root: expired") && !told.contains(';'), "{told}");
}

#[test]
fn too_few_open_files_and_a_clock_that_cannot_be_compared_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let at_most = |limit: &str| format!("ulimit -S -n {limit} && ulimit -H -n {limit} && exec \"$0\" \"$@\"");
    let (few, too_few) = (at_most("1024"), at_most("100"));
    let shell = |line: &str| Shell {
        issuer: issuer("{}", "never"),
        ..Shell::under(&["sh", "-c", line], folder.path(), "sqlite:dezky.sqlite")
    };
    let (_, findings) = examine(&shell(&few), &[]);
    assert!(messages(&findings, "warning", "open files").contains("room for 928 of 10000"), "{findings:#?}");
    let told = messages(&findings, "warning", "clock beside issuer default");
    assert!(told.contains("could not be compared"), "{findings:#?}");
    let (_, findings) = examine(&shell(&too_few), &[]);
    assert!(messages(&findings, "error", "open files").contains("does not start"), "{findings:#?}");
}

#[test]
fn clocks_apart_and_unusable_keys_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(folder.path(), &issuer("{}", "Tue, 15 Nov 1994 08:12:31 GMT"));
    let (code, findings) = examine(&shell, &[]);
    assert_eq!(code, 1);
    assert!(messages(&findings, "error", "issuer default").contains("no `keys`"), "{findings:#?}");
    assert!(messages(&findings, "error", "clock beside issuer default").contains("30 s are allowed"), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_index_and_a_newer_schema_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let shell = shell(folder.path(), issuer.url());
    assert_eq!(shell.run(&["seed"]).0, 0);
    let store = rusqlite::Connection::open(folder.path().join("dezky.sqlite")).unwrap();
    let indexes = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = 'tenants'";
    let index: String = store.query_row(indexes, [], |row| row.get(0)).unwrap();
    store.execute_batch(&format!("DROP INDEX \"{index}\"")).unwrap();
    let (code, findings) = examine(&shell, &[]);
    let told = messages(&findings, "error", "indexes");
    assert!(code == 1 && told.starts_with("1 missing") && told.contains(&index), "{findings:#?}");
    let there = "SELECT count(*) FROM sqlite_master WHERE name = ?1";
    let there: i64 = store.query_row(there, [&index], |row| row.get(0)).unwrap();
    assert_eq!(there, 0, "looking made no index");
    store.execute("UPDATE store_meta SET value = '999' WHERE key = 'schema_version'", []).unwrap();
    let (code, findings) = examine(&shell, &[]);
    assert!(code == 1 && messages(&findings, "error", "store").contains("schema version 999"), "{findings:#?}");
}
