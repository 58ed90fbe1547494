//! The AuthZEN Authorization API 1.0, asked over real sockets by a client library that knows only the specification.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod support;

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use async_trait::async_trait;
use openidauthzen::{
    client::AuthZenClient,
    error::Error,
    evaluation::{EvaluationRequest, EvaluationsRequest},
    http::{HttpClient, HttpResponse, Method},
    search::{ActionSearchRequest, ResourceSearchRequest, SubjectSearchRequest},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use support::{dev, json, request, send};

/// The name of the policy decision point. Clients accept `https` alone, which a proxy ends in front of the server.
const POINT: &str = "https://pdp.example.eu";

/// Sends requests to the server that is behind the proxy.
struct BehindProxy(String);

#[async_trait]
impl HttpClient for BehindProxy {
    async fn request(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Result<HttpResponse, Error> {
        let path = url.strip_prefix(POINT).expect("every endpoint is at the point that was asked");
        let (method, body) = (if matches!(method, Method::Get) { "GET" } else { "POST" }, body.unwrap_or_default());
        let sent: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let mut stream = TcpStream::connect(&self.0).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nhost: pdp.example.eu\r\n{sent}content-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        )
        .unwrap();
        stream.write_all(&body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let pairs = lines.filter_map(|line| line.split_once(": "));
        let pairs: Vec<_> = pairs.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
        // A client finds its answer by the id of its request.
        let named = headers.iter().find(|(name, _)| *name == "x-request-id").map(|(_, id)| *id);
        if path.starts_with("/access/v1/") {
            assert!(pairs.iter().any(|(name, value)| name == "x-request-id" && Some(value.as_str()) == named));
        }
        Ok(HttpResponse { status, headers: pairs, body: body.as_bytes().to_vec() })
    }
}

/// Reads a request of the library from its JSON.
fn asked<T: DeserializeOwned>(request: Value) -> T {
    serde_json::from_value(request).unwrap()
}

#[tokio::test]
async fn a_client_of_the_specification_discovers_evaluates_and_searches() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, person, admin) = dev(folder.path());
    for token in [&person, &admin] {
        assert_eq!(request(&address, "GET", "/users/me", Some(token)).0, 200);
    }
    let profile = json(&request(&address, "GET", "/users/me", Some(&person)));
    let id = profile["user"]["id"].as_str().unwrap().to_owned();
    let key = admin.as_str();

    let client = AuthZenClient::new(BehindProxy(address.clone()), Duration::from_secs(60));
    let found = client.discover(POINT).await.unwrap();
    assert_eq!(found.search_action_endpoint, Some(format!("{POINT}/access/v1/search/action")));
    let subject = json!({ "type": "user", "id": id });
    let (read, resource) = (json!({ "name": "tenant.read" }), json!({ "type": "tenant", "id": "dezky" }));
    let question = json!({ "subject": subject, "action": read, "resource": resource });
    let one = client.evaluate(POINT, key, &asked::<EvaluationRequest>(question.clone())).await.unwrap();
    assert_eq!(serde_json::to_value(&one).unwrap()["decision"], true);
    // People ask about themselves with their own token.
    let own = client.evaluate(POINT, &person, &asked::<EvaluationRequest>(question)).await.unwrap();
    assert_eq!(serde_json::to_value(&own).unwrap()["context"]["reason"], "granted");
    let several = json!({
        "subject": subject, "resource": resource,
        "evaluations": [{ "action": read }, { "action": { "name": "tenant.delete" } }],
        "options": { "evaluations_semantic": "execute_all" },
    });
    let several = client.evaluate_batch(POINT, key, &asked::<EvaluationsRequest>(several)).await.unwrap();
    let several = serde_json::to_value(&several).unwrap();
    let decisions: Vec<_> = several["evaluations"].as_array().unwrap().iter().map(|one| &one["decision"]).collect();
    assert_eq!(decisions, [true, false]);
    let search = json!({ "subject": { "type": "user" }, "action": read, "resource": resource });
    let people = client.search_subjects(POINT, key, &asked::<SubjectSearchRequest>(search)).await.unwrap();
    assert!(serde_json::to_string(&people).unwrap().contains(&id));
    let search = json!({ "subject": subject, "action": read, "resource": { "type": "tenant" } });
    let tenants = client.search_resources(POINT, key, &asked::<ResourceSearchRequest>(search)).await.unwrap();
    assert_eq!(serde_json::to_value(&tenants).unwrap()["results"].as_array().unwrap().len(), 1);
    let search = json!({ "subject": subject, "resource": resource });
    let actions = client.search_actions(POINT, key, &asked::<ActionSearchRequest>(search)).await.unwrap();
    assert!(serde_json::to_string(&actions).unwrap().contains("\"tenant.read\""));
}

/// Requests of the published interoperability scenario (`interop/authzen-todo-backend/test` of `openid/authzen`): of its
/// shapes one each, with the identifiers of its people and things.
#[test]
fn requests_of_the_interoperability_scenario_are_understood_and_denied_where_nothing_is_of_that_name() {
    let folder = tempfile::tempdir().unwrap();
    let (_process, address, _, admin) = dev(folder.path());
    assert_eq!(request(&address, "GET", "/users/me", Some(&admin)).0, 200);
    let ask = |path: &str, body: &Value| {
        let answer = send([127, 0, 0, 1], &address, "POST", path, &admin, body);
        assert_eq!(answer.0, 200, "{body}: {}", answer.1);
        json(&answer)
    };
    let rick = json!({
        "type": "user", "id": "rick@the-citadel.com", "identity": "CiRmZDA2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs",
    });
    let todo =
        json!({ "type": "todo", "id": "7240d0db-8ff0-41ec-98b2-34a096273b92", "ownerID": "rick@the-citadel.com" });
    let beth = json!({ "type": "user", "id": "beth@the-smiths.com", "userID": "beth@the-smiths.com" });
    for (action, resource) in [("can_read_user", &beth), ("can_update_todo", &todo), ("can_create_todo", &todo)] {
        let body = json!({ "subject": rick, "action": { "name": action }, "resource": resource });
        let answer = ask("/access/v1/evaluation", &body);
        assert_eq!((&answer["decision"], &answer["context"]["reason"]), (&json!(false), &json!("action_unknown")));
    }
    let body = json!({ "subject": rick, "action": { "name": "can_update_todo" }, "evaluations": [{ "resource": todo }, { "resource": todo }] });
    assert_eq!(ask("/access/v1/evaluations", &body)["evaluations"].as_array().unwrap().len(), 2);
}
