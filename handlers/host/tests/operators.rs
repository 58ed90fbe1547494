//! Tests of operators' commands: output, refusals and audit trail, also beside a running server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{io::Write as _, process::Stdio, time::Duration};

use dezky::{
    clock::{Clock as _, SystemClock, Timestamp},
    test_kit::DevelopmentIssuer,
};
use serde_json::{Value, json};
use support::{Process, Shell, await_ready, dev, dezky, json as body_of, request};

/// Returns a shell over its own SQLite store.
fn shell(folder: &tempfile::TempDir) -> Shell {
    Shell::new(folder.path(), "sqlite:dezky.sqlite")
}

/// Returns the events of the audit trail, the newest first, as `actor action`.
fn trail(shell: &Shell) -> Vec<String> {
    let event =
        |event: Value| format!("{} {}", event["actor"]["name"].as_str().unwrap(), event["action"].as_str().unwrap());
    shell.lines(&["audit", "--all", "--json"]).into_iter().map(event).collect()
}

#[test]
fn a_tenant_is_created_shown_listed_suspended_restored_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    let created = shell.json(&["tenant", "create", "acme", "--name", "Acme GmbH", "--status", "active", "--json"]);
    assert_eq!((created["slug"].as_str(), created["version"].as_u64()), (Some("acme"), Some(1)));
    let id = created["id"].as_str().unwrap();
    assert_eq!(shell.json(&["tenant", "show", id, "--json"]), shell.json(&["tenant", "show", "acme", "--json"]));
    let list = shell.json(&["tenant", "list", "--json"]);
    assert_eq!(list["items"][0], created);
    assert!(list["nextCursor"].is_null());
    let updated = shell.json(&["tenant", "update", "acme", "--plan", "business", "--json"]);
    assert_eq!(updated["plan"], "business");
    for command in ["suspend", "suspend", "restore", "restore"] {
        let expected = if command == "suspend" { "suspended" } else { "active" };
        assert_eq!(shell.json(&["tenant", command, "acme", "--as", "billing", "--json"])["status"], expected);
    }
    assert_eq!(shell.json(&["tenant", "delete", "acme", "--yes", "--json"])["deleted"], true);
    assert_eq!(shell.json(&["tenant", "list", "--json"])["items"].as_array().unwrap().len(), 0);
    // Within the grace period, the deletion is undone by the same command as a suspension.
    let deleted = shell.json(&["tenant", "show", "acme", "--json"]);
    assert!(deleted["removalAt"].as_str() > deleted["deletedAt"].as_str(), "{deleted}");
    let undone = shell.json(&["tenant", "restore", "acme", "--json"]);
    assert_eq!((&undone["status"], &undone["removalAt"]), (&json!("active"), &Value::Null));
    assert_eq!(
        trail(&shell),
        [
            "operator tenant.restore",
            "operator tenant.delete",
            "billing tenant.restore",
            "billing tenant.suspend",
            "operator tenant.update",
            "operator tenant.create"
        ],
        "each change once, by the actor of --as, and nothing where nothing changed"
    );
}

#[test]
fn operators_list_and_revoke_app_passwords_and_create_none_without_a_token_of_the_member() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    let verified = r#"{"domainVerifications": [{"name": "acme.eu", "verifiedAt": "2026-02-01T00:00:00Z"}]}"#;
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--domain", "acme.eu", "--body", verified, "--json"]);
    shell.json(&["user", "create", "anna", "--json"]);
    shell.json(&["member", "create", "acme", "default/anna", "--json"]);
    shell.json(&["mailbox", "create", "acme", "default/anna", "anna@acme.eu", "--json"]);
    let list = shell.json(&["mailbox", "app-password", "list", "acme", "anna@acme.eu", "--json"]);
    assert_eq!(list, json!({"items": [], "nextCursor": null}));
    let remove = ["mailbox", "app-password", "remove", "acme", "anna@acme.eu", "Phone"];
    let told = shell.refused(&remove, 3, "not_found: ");
    assert_eq!(told.trim_end(), "not_found: `anna@acme.eu` has no app password `Phone`");
    std::fs::write(folder.path().join("token.txt"), "no-token").unwrap();
    let add = ["mailbox", "app-password", "add", "acme", "anna@acme.eu", "Phone", "--token-file", "token.txt"];
    let (code, _, told) = shell.run(&add);
    assert!(code != 0 && told.starts_with("token_malformed: "), "{code} {told}");
}

#[test]
fn people_are_invited_alone_and_from_a_file_and_invitations_are_sent_again_and_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--status", "active", "--json"]);
    let arguments =
        ["invitation", "create", "acme", "anna@example.eu", "--role", "owner", "--language", "de", "--json"];
    let invited = shell.json(&arguments);
    assert_eq!(
        (&invited["status"], &invited["role"], &invited["language"]),
        (&json!("pending"), &json!("owner"), &json!("de"))
    );
    shell.refused(&arguments, 4, "already_invited: ");
    let people = "email;name;role\r\nben@example.eu;\"Ben; \"\"B\"\"\";admin\r\nanna@EXAMPLE.eu;;\r\n";
    std::fs::write(folder.path().join("people.csv"), people).unwrap();
    let import = ["invitation", "import", "acme", "people.csv", "--json"];
    let lines = shell.json(&import)["lines"].clone();
    assert_eq!((&lines[0]["outcome"], &lines[1]["outcome"]), (&json!("created"), &json!("already_invited")));
    let ben = shell.json(&["invitation", "show", "acme", "ben@example.eu", "--json"]);
    assert_eq!((&ben["name"], &ben["role"]), (&json!("Ben; \"B\""), &json!("admin")));
    std::fs::write(folder.path().join("wrong.csv"), "nowhere\n").unwrap();
    let (code, summary, told) = shell.run(&["invitation", "import", "acme", "wrong.csv"]);
    assert_eq!((code, summary.trim_end()), (2, "0 invited, 0 members or invited before, 1 refused"));
    assert!(told.starts_with("dezky: refused: 1: email ") && told.contains("e-mail address"), "{told}");
    std::fs::write(folder.path().join("open.csv"), "email\n\"anna").unwrap();
    let told =
        shell.refused(&["invitation", "import", "acme", "open.csv"], 2, "dezky: the quotes that begin on line 2");
    assert!(told.contains("never end"), "{told}");
    let again = shell.json(&["invitation", "resend", "acme", "ben@example.eu", "--json"]);
    assert_eq!(again["version"], 2);
    assert_eq!(shell.json(&["invitation", "revoke", "acme", "ben@example.eu", "--json"])["revoked"], true);
    shell.refused(&["invitation", "revoke", "acme", "ben@example.eu"], 4, "invitation_closed: ");
    shell.refused(&["invitation", "show", "acme", "nobody@example.eu"], 3, "not_found: `acme` has no invitation");
    assert_eq!(shell.lines(&["invitation", "list", "acme", "--all", "--json"]).len(), 2);
    // What is no report of a mail of ours is no failure: the mail server would report that in turn.
    let mut command = dezky(folder.path());
    command.args(["invitation", "bounce", "--store", &shell.store]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"To: bounces+x@example.eu\r\n\r\nI am away.\r\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stdout.starts_with(b"this is no report"), "{output:?}");
}

#[test]
fn a_person_becomes_a_member_and_is_found_by_every_name() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--json"]);
    let anna = shell.json(&["user", "create", "anna", "--email", "Anna@example.eu", "--name", "Anna", "--json"]);
    let id = anna["id"].as_str().unwrap();
    for name in [id, "default/anna", "anna@EXAMPLE.eu"] {
        assert_eq!(shell.json(&["user", "show", name, "--json"])["id"], id, "{name}");
    }
    let granted = shell.json(&["member", "create", "acme", "default/anna", "--role", "owner", "--json"]);
    assert_eq!((granted["role"].as_str(), granted["source"].as_str()), (Some("owner"), Some("grant")));
    assert_eq!(shell.json(&["member", "update", "acme", id, "--role", "admin", "--json"])["role"], "admin");
    assert_eq!(shell.json(&["member", "list", "acme", "--role", "admin", "--json"])["items"][0]["userId"], id);
    assert_eq!(shell.json(&["user", "suspend", id, "--json"])["status"], "disabled");
    assert_eq!(shell.json(&["user", "restore", id, "--json"])["status"], "active");
    assert!(shell.json(&["user", "revoke", id, "--json"])["tokensValidAfter"].is_string());
    assert_eq!(shell.json(&["member", "revoke", "acme", id, "--json"])["revoked"], true);
    shell.refused(&["member", "show", "acme", id], 3, "not_found: ");
    // Two people have one address: none is guessed.
    let second = shell.json(&["user", "create", "anna2", "--email", "anna@example.eu", "--json"]);
    let error = shell.refused(&["user", "show", "anna@example.eu"], 4, "ambiguous_user: ");
    assert!(error.contains(id) && error.contains(second["id"].as_str().unwrap()), "{error}");
    assert_eq!(shell.json(&["user", "delete", id, "--yes", "--json"])["deleted"], true);
    assert!(shell.json(&["user", "show", id, "--json"]).get("email").is_none());
}

#[test]
fn what_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    let missing = |arguments: &[&str], what: &str| {
        assert_eq!(shell.refused(arguments, 3, "not_found: ").trim_end(), format!("not_found: {what}"));
    };
    missing(&["member", "create", "acme", "x@y.eu"], "there is no tenant `acme`");
    missing(&["subscription", "show", "acme"], "there is no tenant `acme`");
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--json"]);
    missing(&["member", "create", "acme", "x@y.eu"], "there is no person `x@y.eu`");
    missing(&["user", "show", "default/x"], "there is no person `default/x`");
    shell.json(&["user", "create", "anna", "--json"]);
    missing(&["member", "revoke", "acme", "default/anna"], "`default/anna` is no member of `acme`");
    missing(&["subscription", "show", "acme"], "the tenant `acme` has no current subscription");
    std::fs::write(folder.path().join("dezky.toml"), "").unwrap();
    let without =
        support::dezky(folder.path()).args(["user", "create", "paul", "--store", &shell.store]).output().unwrap();
    let told = String::from_utf8(without.stderr).unwrap();
    assert!(without.status.code() == Some(2) && told.contains("none is configured"), "{told}");
}

#[test]
fn subscriptions_are_named_by_their_tenant_too() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--plan", "business", "--json"]);
    shell.refused(&["subscription", "show", "acme"], 3, "not_found: ");
    let created = shell.json(&["subscription", "create", "acme", "--seats", "3", "--json"]);
    assert_eq!((created["plan"].as_str(), created["seats"].as_u64()), (Some("business"), Some(3)));
    shell.refused(&["subscription", "create", "acme"], 4, "subscription_exists: ");
    assert_eq!(shell.json(&["subscription", "suspend", "acme", "--json"])["status"], "suspended");
    assert_eq!(shell.json(&["subscription", "restore", "acme", "--json"])["status"], "active");
    assert_eq!(shell.json(&["subscription", "update", "acme", "--seats", "4", "--json"])["seats"], 4);
    let listed = shell.json(&["subscription", "list", "--tenant", "acme", "--status", "active", "--json"]);
    assert_eq!(listed["items"][0]["id"], created["id"]);
    shell.refused(&["subscription", "update", "acme", "--status", "cancelled"], 6, "confirmation_required: ");
    assert_eq!(shell.json(&["subscription", "show", "acme", "--json"])["status"], "active");
    let cancelled = shell.json(&["subscription", "update", "acme", "--status", "cancelled", "--yes", "--json"]);
    assert_eq!(cancelled["status"], "cancelled");
    shell.refused(&["subscription", "show", "acme"], 3, "not_found: ");
    let id = created["id"].as_str().unwrap();
    assert_eq!(shell.json(&["subscription", "delete", id, "--yes", "--json"])["deleted"], true);
}

#[test]
fn what_cannot_be_undone_is_refused_where_nobody_can_be_asked() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--json"]);
    shell.json(&["user", "create", "anna", "--json"]);
    shell.json(&["subscription", "create", "acme", "--json"]);
    for command in
        [["tenant", "delete", "acme"], ["user", "delete", "default/anna"], ["subscription", "delete", "acme"]]
    {
        let error = shell.refused(&command, 6, "confirmation_required: ");
        assert!(error.contains("--yes") && error.contains("cannot be undone"), "{error}");
    }
    assert_eq!(shell.json(&["tenant", "show", "acme", "--json"])["status"], "pending");
    assert_eq!(shell.json(&["subscription", "show", "acme", "--json"])["status"], "active");
    assert_eq!(trail(&shell).len(), 3, "nothing was done");
}

#[test]
fn at_a_terminal_the_name_has_to_be_typed() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--json"]);
    let (code, shown) = shell.at_terminal(&["tenant", "delete", "acme"], "yes\n");
    assert!(code == 6 && shown.contains("stays reserved for ever") && shown.contains("Type `acme`"), "{code} {shown}");
    assert_eq!(shell.json(&["tenant", "show", "acme", "--json"])["status"], "pending");
    let (code, shown) = shell.at_terminal(&["tenant", "delete", "acme"], "acme\n");
    assert_eq!(code, 0, "{shown}");
    assert_eq!(shell.json(&["tenant", "show", "acme", "--json"])["status"], "deleted");
    // The same for people and subscriptions: another name has no effect, the right one has.
    shell.json(&["tenant", "create", "beta", "--name", "Beta", "--json"]);
    let user = shell.json(&["user", "create", "anna", "--json"])["id"].as_str().unwrap().to_owned();
    let subscription = shell.json(&["subscription", "create", "beta", "--json"])["id"].as_str().unwrap().to_owned();
    for (command, named, typed) in
        [("user", "default/anna", &user), ("subscription", subscription.as_str(), &subscription)]
    {
        let (code, shown) = shell.at_terminal(&[command, "delete", named], "yes\n");
        assert!(code == 6 && shown.contains("Type `"), "{command}: {code} {shown}");
        let (code, shown) = shell.at_terminal(&[command, "delete", named], &format!("{typed}\n"));
        assert_eq!(code, 0, "{command}: {shown}");
    }
    assert_eq!(trail(&shell)[..2], ["operator subscription.delete", "operator user.delete"]);
}

#[test]
fn refusals_are_a_line_and_the_bad_fields_with_a_code_by_kind() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--json"]);
    shell.refused(&["tenant", "create", "acme", "--name", "Acme"], 4, "slug_taken: ");
    shell.refused(&["tenant", "show", "nobody"], 3, "not_found: ");
    let error = shell.refused(&["tenant", "create", "Acme!", "--body", r#"{"colour": 1}"#], 2, "invalid_fields: ");
    let fields: Vec<&str> = error.lines().skip(1).map(|line| line.trim().split(':').next().unwrap()).collect();
    assert_eq!(fields, ["slug", "name", "colour"], "{error}");
    shell.refused(&["tenant", "update", "acme"], 2, "dezky: there is nothing to change");
    shell.refused(&["tenant", "list", "--cursor", "x"], 2, "invalid_cursor: ");
    shell.refused(&["tenant", "list", "--as", "seed"], 2, "error: invalid value 'seed'");
    shell.refused(&["user", "show", "anna"], 2, "dezky: `anna` names no person");
    shell.refused(&["user", "create", "x", "--issuer", "other"], 2, "invalid_fields: ");
    let link = folder.path().join("loop.sqlite");
    std::os::unix::fs::symlink("loop.sqlite", &link).unwrap();
    shell.refused(&["tenant", "list", "--store", "sqlite:loop.sqlite"], 5, "store_unavailable: ");
    assert_eq!(trail(&shell), ["operator tenant.create"], "what is refused leaves no trace");
}

#[test]
fn one_idempotency_key_has_one_effect() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    let create = ["tenant", "create", "acme", "--name", "Acme", "--idempotency-key", "k1", "--json"];
    let first = shell.json(&create);
    assert_eq!(shell.json(&create), first);
    let other = ["tenant", "create", "acme", "--name", "Other", "--idempotency-key", "k1"];
    shell.refused(&other, 2, "idempotency_key_reused: ");
    assert_eq!(trail(&shell), ["operator tenant.create"]);
}

#[test]
fn lists_come_in_pages_or_whole() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    for number in 0..5 {
        shell.json(&["tenant", "create", &format!("t-{number}"), "--name", &format!("Name {number}"), "--json"]);
    }
    let slugs = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
    };
    let first = shell.json(&["tenant", "list", "--limit", "2", "--json"]);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = shell.json(&["tenant", "list", "--limit", "2", "--cursor", cursor, "--json"]);
    assert_eq!((slugs(&first), slugs(&second)), (vec!["t-0".into(), "t-1".into()], vec!["t-2".into(), "t-3".into()]));
    let all = shell.lines(&["tenant", "list", "--limit", "2", "--all", "--json"]);
    assert_eq!(
        all.iter().map(|item| item["slug"].as_str().unwrap()).collect::<Vec<_>>(),
        ["t-0", "t-1", "t-2", "t-3", "t-4"]
    );
    let found = shell.json(&["tenant", "list", "--search", "name 3", "--json"]);
    assert_eq!(slugs(&found), ["t-3"]);
    let (code, table, told) = shell.run(&["tenant", "list", "--limit", "2"]);
    assert!(code == 0 && told.contains("--cursor"), "{told}");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 3, "{table}");
    let column = lines[0].find("SLUG").unwrap();
    assert!(lines[0].starts_with("ID ") && lines[1][column..].starts_with("t-0 "), "{table}");
    let (_, whole, _) = shell.run(&["tenant", "list", "--limit", "2", "--all"]);
    assert_eq!(whole.lines().count(), 6, "one heading, five tenants: {whole}");
}

#[test]
fn the_audit_trail_is_filtered_by_tenant_action_actor_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--json"]);
    shell.json(&["tenant", "create", "other", "--name", "Other", "--as", "nightly-report", "--json"]);
    shell.json(&["tenant", "suspend", "acme", "--json"]);
    let count = |filter: &[&str]| shell.lines(&[&["audit", "--all", "--json"], filter].concat()).len();
    assert_eq!(count(&[]), 3);
    assert_eq!(count(&["--tenant", "acme"]), 2);
    assert_eq!(count(&["--action", "tenant.create"]), 2);
    assert_eq!(count(&["--actor", "nightly-report"]), 1);
    assert_eq!(count(&["--since", "1h"]), 3);
    assert_eq!(count(&["--until", "1h"]), 0);
    let (_, table, _) = shell.run(&["audit", "--tenant", "other"]);
    assert!(table.contains("nightly-report") && table.contains("tenant.create"), "{table}");
}

#[test]
fn operators_work_beside_a_running_server_which_obeys_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, person, _) = dev(folder.path());
    await_ready(&address, true);
    let shell = Shell::new(folder.path(), &format!("sqlite:{}", store_of(folder.path())));
    let me = || body_of(&request(&address, "GET", "/users/me", Some(&person)));
    assert_eq!(me()["tenants"][0]["status"], "active");
    shell.json(&["tenant", "suspend", "dezky", "--json"]);
    assert_eq!(me()["tenants"][0]["status"], "suspended");
    shell.json(&["tenant", "restore", "dezky", "--json"]);
    shell.json(&["member", "revoke", "dezky", "anna@example.eu", "--json"]);
    assert_eq!(me()["tenants"].as_array().unwrap().len(), 0);
    shell.json(&["user", "suspend", "anna@example.eu", "--json"]);
    assert_eq!(request(&address, "GET", "/users/me", Some(&person)).0, 403);
}

/// Returns the store that `dezky dev` created.
fn store_of(folder: &std::path::Path) -> String {
    let files = std::fs::read_dir(folder.join(".dezky")).unwrap().map(|entry| entry.unwrap().path());
    let found = files.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "sqlite"));
    found.unwrap().display().to_string()
}

/// Starts a server on the store of a shell, which trusts an issuer.
fn serve(shell: &Shell, issuer: &DevelopmentIssuer) -> (Process, String) {
    let mut command = dezky(&shell.folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--store", &shell.store]);
    command.args(["--oidc-issuer", issuer.url(), "--oidc-audience", "dezky"]);
    let process = Process::start(command);
    let line = process.line("listening address=");
    let address = line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    await_ready(&address, true);
    (process, address)
}

/// The issuer's clock may differ from the server's by the leeway.
fn ending_all_sessions_ends_tokens_of_every_clock(shell: &Shell, issuer: &DevelopmentIssuer, address: &str) {
    shell.json(&["user", "create", "berta", "--json"]);
    let now = SystemClock.now().seconds();
    let tokens = [-30, 0, 20, 30].map(|skew| {
        let issued = Timestamp::from_seconds(now + skew);
        (skew, issuer.mint(&issuer.claims("berta").lasting(issued, Duration::from_secs(3_600))))
    });
    let ask = |token: &String| request(address, "GET", "/users/me", Some(token));
    for (skew, token) in &tokens {
        assert_eq!(ask(token).0, 200, "issued at {skew} s: good before");
    }
    let from = shell.json(&["user", "revoke", "default/berta", "--json"])["tokensValidAfter"].clone();
    for (skew, token) in &tokens {
        let answer = ask(token);
        assert_eq!((answer.0, &body_of(&answer)["code"]), (401, &"token_revoked".into()), "issued at {skew} s");
    }
    assert!(from.as_str().unwrap().parse::<Timestamp>().unwrap().seconds() > now + 30, "{from}");
    let (code, shown, told) = shell.run(&["user", "revoke", "default/berta"]);
    let said = told.contains("signs in again") && told.contains("user suspend");
    assert!(code == 0 && said, "{shown} {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ending_all_sessions_of_a_person_ends_every_token_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let shell = Shell { issuer: issuer.url().to_owned(), ..shell(&folder) };
    let (_process, address) = serve(&shell, &issuer);
    ending_all_sessions_ends_tokens_of_every_clock(&shell, &issuer, &address);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_works_on_mongodb_and_so_does_the_server() {
    let uri = dezky::test_kit::mongodb_server::shared_uri().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let shell = Shell { issuer: issuer.url().to_owned(), ..Shell::new(folder.path(), &uri) };
    let (_process, address) = serve(&shell, &issuer);
    let created =
        shell.json(&["tenant", "create", "acme", "--name", "Acme", "--status", "active", "--group", "acme", "--json"]);
    assert_eq!(shell.json(&["tenant", "list", "--search", "acme", "--json"])["items"][0], created);
    let token = issuer.mint(&issuer.claims("anna").person("anna@example.eu", "Anna").groups(["acme"]));
    let answer = request(&address, "GET", "/users/me", Some(&token));
    assert_eq!(answer.0, 200, "{}", answer.1);
    assert_eq!(body_of(&answer)["tenants"][0]["id"], created["id"]);
    ending_all_sessions_ends_tokens_of_every_clock(&shell, &issuer, &address);
    shell.json(&["member", "revoke", "acme", "anna@example.eu", "--json"]);
    let after = body_of(&request(&address, "GET", "/users/me", Some(&token)));
    assert_eq!(after["tenants"].as_array().unwrap().len(), 0, "{after:#}");
    let events = shell.lines(&["audit", "--tenant", "acme", "--actor", "operator", "--all", "--json"]);
    let actions: Vec<&str> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["membership.revoke", "tenant.create"]);
    let report = shell.json(&["doctor", "--json"]);
    assert_eq!(report["healthy"], true, "{report:#}");
}

/// Returns the cells of a table's only row, by heading.
fn row(shell: &Shell, arguments: &[&str], headings: &[&str]) -> Vec<String> {
    let (code, table, error) = shell.run(arguments);
    assert_eq!((code, error.as_str()), (0, ""), "{table}");
    let lines: Vec<Vec<char>> = table.lines().map(|line| line.chars().collect()).collect();
    let [head, row] = lines.as_slice() else { panic!("one row: {table}") };
    let head: String = head.iter().collect();
    let starts: Vec<usize> = headings.iter().map(|heading| head.find(heading).expect(heading)).collect();
    let ends = starts.iter().skip(1).copied().chain([row.len()]);
    let cell =
        |(start, end): (&usize, usize)| row[*start.min(&row.len())..end.min(row.len())].iter().collect::<String>();
    starts.iter().zip(ends).map(cell).map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn every_column_of_a_table_shows_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    let tenant = shell.json(&["tenant", "create", "acme", "--name", "Acme", "--plan", "business", "--json"]);
    let user = shell.json(&["user", "create", "anna", "--email", "anna@example.eu", "--name", "Anna", "--json"]);
    let member = shell.json(&["member", "create", "acme", "default/anna", "--role", "owner", "--json"]);
    let body = r#"{"currentPeriodEndsAt": "2030-01-01T00:00:00.000Z"}"#;
    let subscription = shell.json(&["subscription", "create", "acme", "--seats", "3", "--body", body, "--json"]);
    let text = |document: &Value, field: &str| document[field].as_str().unwrap().to_owned();
    let at_second = |time: String| time.chars().take(10).collect::<String>();

    let cells = row(&shell, &["tenant", "list"], &["ID", "SLUG", "STATUS", "PLAN", "NAME", "CREATED"]);
    assert_eq!(cells[..5], [&text(&tenant, "id"), "acme", "pending", "business", "Acme"]);
    assert!(cells[5].starts_with(&at_second(text(&tenant, "createdAt"))), "{cells:?}");
    let headings = ["ID", "STATUS", "ADMIN", "E-MAIL", "NAME", "ISSUER", "SUBJECT"];
    let cells = row(&shell, &["user", "list"], &headings);
    assert_eq!(cells[..2], [&text(&user, "id"), "active"]);
    assert!(!cells[2].is_empty(), "{cells:?}");
    assert_eq!(cells[3..], ["anna@example.eu", "Anna", "default", "anna"]);
    let cells = row(&shell, &["member", "list", "acme"], &["USER", "ROLE", "SOURCE", "E-MAIL", "NAME", "CHANGED"]);
    assert_eq!(cells[..5], [&text(&user, "id"), "owner", "grant", "anna@example.eu", "Anna"]);
    assert!(cells[5].starts_with(&at_second(text(&member, "changedAt"))), "{cells:?}");
    let headings = ["ID", "TENANT", "STATUS", "PLAN", "SEATS", "PERIOD ENDS", "CREATED"];
    let cells = row(&shell, &["subscription", "list"], &headings);
    let expected = [&text(&subscription, "id"), &text(&tenant, "id"), "active", "business", "3"];
    assert_eq!(cells[..5], expected);
    assert!(cells[5].starts_with("2030-01-01"), "{cells:?}");
    assert!(cells[6].starts_with(&at_second(text(&subscription, "createdAt"))), "{cells:?}");
}

#[test]
fn lists_are_filtered() {
    let folder = tempfile::tempdir().unwrap();
    let shell = shell(&folder);
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--plan", "business", "--status", "active", "--json"]);
    shell.json(&["tenant", "create", "beta", "--name", "Beta", "--plan", "team", "--json"]);
    let person = |name: &str| {
        let (email, title) = (format!("{name}@{name}.eu"), name.to_uppercase());
        let user = shell.json(&["user", "create", name, "--email", &email, "--name", &title, "--json"]);
        user["id"].as_str().unwrap().to_owned()
    };
    let (anna, _bert) = (person("anna"), person("bert"));
    for user in ["default/anna", "default/bert"] {
        shell.json(&["member", "create", "acme", user, "--json"]);
    }
    shell.json(&["user", "suspend", "default/bert", "--json"]);
    let found = |arguments: &[&str], field: &str| -> Vec<String> {
        let page = shell.json(&[arguments, &["--json"]].concat());
        page["items"].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found(&["tenant", "list", "--status", "active"], "slug"), ["acme"]);
    assert_eq!(found(&["tenant", "list", "--plan", "team"], "slug"), ["beta"]);
    assert_eq!(found(&["user", "list", "--search", "an"], "name"), ["ANNA"]);
    assert_eq!(found(&["user", "list", "--status", "disabled"], "name"), ["BERT"]);
    assert_eq!(found(&["user", "list", "--email", "BERT@"], "name"), ["BERT"]);
    assert_eq!(found(&["member", "list", "acme", "--search", "be"], "name"), ["BERT"]);
    let of_anna = found(&["audit", "--user", &anna], "action");
    assert_eq!(of_anna, ["membership.grant", "user.create"], "the newest first");
}
