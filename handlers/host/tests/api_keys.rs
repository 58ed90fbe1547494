//! API keys over real sockets, and by the commands of operators.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use serde_json::json;
use support::{Shell, dev, json, request, send};

const HERE: [u8; 4] = [127, 0, 0, 1];
const ELSEWHERE: [u8; 4] = [127, 0, 0, 2];

#[test]
fn a_key_is_accepted_from_its_networks_alone_and_no_more_once_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, _, admin) = dev(folder.path());
    assert_eq!(request(&address, "GET", "/users/me", Some(&admin)).0, 200);
    let tenant = json(&request(&address, "GET", "/tenants/dezky", Some(&admin)));
    let body = json!({
        "name": "Report", "tenantId": tenant["id"], "scopes": ["membership.read"], "networks": ["127.0.0.2/32"],
    });
    let created = send(HERE, &address, "POST", "/api-keys", &admin, &body);
    assert_eq!(created.0, 201, "{}", created.1);
    let created = json(&created);
    let (key, path) = (created["secret"].as_str().unwrap(), format!("/api-keys/{}", created["id"].as_str().unwrap()));
    let members = |source, key: &str| {
        let answer = send(source, &address, "GET", "/tenants/dezky/members", key, &json!({}));
        (answer.0, json(&answer)["code"].as_str().map(str::to_owned))
    };
    assert_eq!(members(HERE, key), (401, Some("api_key_address_refused".to_owned())));
    // A body with `GET` is refused after its caller is known.
    let named = |address: &str| request(address, "GET", "/tenants/dezky/members", Some(key)).0;
    assert_eq!(named(&address), 401);
    let from_there = send(ELSEWHERE, &address, "PATCH", &path, &admin, &json!({ "networks": ["127.0.0.0/30"] }));
    assert_eq!(from_there.0, 200, "{}", from_there.1);
    assert_eq!(named(&address), 200);
    assert_eq!(request(&address, "DELETE", &path, Some(&admin)).0, 204);
    assert_eq!(named(&address), 401);
}

#[test]
fn operators_create_rotate_and_revoke_keys_and_no_secret_is_shown_twice() {
    let folder = tempfile::tempdir().unwrap();
    let shell = Shell::new(folder.path(), &format!("sqlite:{}", folder.path().join("dezky.db").display()));
    shell.json(&["tenant", "create", "acme", "--name", "Acme", "--json"]);
    let create = ["api-key", "create", "Report", "--tenant", "acme", "--scope", "membership.read", "--json"];
    let created = shell.json(&create);
    let (id, secret) = (created["id"].as_str().unwrap(), created["secret"].as_str().unwrap());
    assert!(secret.starts_with(&format!("dzk_{id}_")), "{created}");
    let listed = shell.json(&["api-key", "list", "--tenant", "acme", "--json"]);
    assert_eq!(listed["items"][0]["prefix"], format!("dzk_{id}"));
    assert!(!listed.to_string().contains(secret));
    let rotated = shell.json(&["api-key", "rotate", id, "--overlap-seconds", "0", "--json"]);
    assert_ne!(rotated["secret"], secret);
    let updated = shell.json(&["api-key", "update", id, "--scope", "mailbox.read", "--network", "192.0.2.7", "--json"]);
    assert_eq!((&updated["scopes"], &updated["networks"]), (&json!(["mailbox.read"]), &json!(["192.0.2.7"])));
    let told = shell.refused(
        &["api-key", "create", "X", "--tenant", "acme", "--scope", "tenant.delete"],
        2,
        "invalid_fields: ",
    );
    assert!(told.contains("tenant.delete"), "{told}");
    let whole = shell.refused(&["api-key", "show", secret], 2, "");
    assert!(!whole.contains(secret), "{whole}");
    assert_eq!(shell.json(&["api-key", "revoke", id, "--json"])["deleted"], true);
    let missing = shell.refused(&["api-key", "show", id], 3, "not_found: ");
    assert_eq!(missing.trim_end(), format!("not_found: there is no API key `{id}`"));
}
