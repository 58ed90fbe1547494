//! An OpenAPI document of Authentik, to which requests and answers are held.

use bytes::Bytes;
use dezky::emulators::Exchange;
use http::{Method, Response, StatusCode};
use serde_json::{Value, json};

use crate::schema::{Direction, Schemas};

/// The document of one version.
#[derive(Debug)]
pub(crate) struct Document {
    whole: Value,
}

impl Document {
    /// Reads the document of a version.
    pub(crate) fn of(version: &str) -> Self {
        let mut whole: Value = serde_json::from_str(include_str!("schema/2026.8.3.json")).unwrap();
        let patch = match version {
            "2025.12.6" => include_str!("schema/2025.12.6.patch.json"),
            "2026.2.0" => include_str!("schema/2026.2.0.patch.json"),
            "2026.5.6" => include_str!("schema/2026.5.6.patch.json"),
            "2026.8.3" => "{}",
            "2026.11.0-rc1" => include_str!("schema/2026.11.0-rc1.patch.json"),
            _ => panic!("there is no document of {version}"),
        };
        merge(&mut whole, serde_json::from_str(patch).unwrap());
        assert_eq!(whole["info"]["version"], version);
        Self { whole }
    }

    /// Returns what of a request and its answer is not as the document says.
    pub(crate) fn check(&self, exchange: &Exchange, response: &Response<Bytes>) -> Vec<String> {
        let mut problems = Vec::new();
        let path = exchange.uri.path().strip_prefix("/api/v3").unwrap_or_default();
        let Some((parameters, operation)) = self.operation(&exchange.method, path) else {
            return vec![format!("no operation {} {path}", exchange.method)];
        };
        let schemas = Schemas(&self.whole);
        for (name, value) in parameters {
            let schema = self.parameter(operation, "path", &name).unwrap();
            schemas.check_text(schema, &value, &format!("path {name}"), &mut problems);
        }
        for (name, value) in url::form_urlencoded::parse(exchange.uri.query().unwrap_or_default().as_bytes()) {
            match self.parameter(operation, "query", &name) {
                Some(schema) => schemas.check_text(schema, &value, &format!("query {name}"), &mut problems),
                None => problems.push(format!("unknown parameter {name}")),
            }
        }
        let asked = operation.pointer("/requestBody/content/application~1json/schema");
        check_body(&schemas, asked, &exchange.body, Direction::Request, &mut problems);
        let status = response.status().as_u16().to_string();
        let answered = match operation["responses"].get(&status).map(|answer| self.resolved(answer)) {
            // The document leaves out that an object may be absent, or what is told then.
            _ if response.status() == StatusCode::NOT_FOUND => {
                Some(json!({ "$ref": "#/components/schemas/GenericError" }))
            }
            Some(answer) => answer.pointer("/content/application~1json/schema").cloned(),
            None => {
                problems.push(format!("unknown status {status}"));
                return located(exchange, problems);
            }
        };
        // A reason without a field comes as a list, which the document leaves out too.
        let is_list = serde_json::from_slice::<Vec<String>>(response.body()).is_ok();
        if !(response.status() == StatusCode::BAD_REQUEST && is_list) {
            check_body(&schemas, answered.as_ref(), response.body(), Direction::Answer, &mut problems);
        }
        located(exchange, problems)
    }

    /// Finds an operation and the values of its path's parameters.
    fn operation(&self, method: &Method, path: &str) -> Option<(Vec<(String, String)>, &Value)> {
        let given: Vec<&str> = path.split('/').collect();
        let paths = self.whole["paths"].as_object().unwrap();
        let matching = paths.iter().filter_map(|(template, operations)| {
            let parts: Vec<&str> = template.split('/').collect();
            let mut values = Vec::new();
            for (part, value) in parts.iter().zip(&given) {
                match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                    Some(name) => values.push((name.to_owned(), (*value).to_owned())),
                    None if part == value => {}
                    None => return None,
                }
            }
            (parts.len() == given.len()).then_some((values, operations))
        });
        // The one with fewer parameters is meant: `/core/users/me/` before `/core/users/{id}/`.
        let (values, operations) = matching.min_by_key(|(values, _)| values.len())?;
        Some((values, operations.get(method.as_str().to_lowercase())?))
    }

    fn parameter<'a>(&'a self, operation: &'a Value, place: &str, name: &str) -> Option<&'a Value> {
        let parameters = operation["parameters"].as_array()?.iter().map(|parameter| self.resolved(parameter));
        let found = parameters.filter(|parameter| parameter["in"] == place).find(|parameter| parameter["name"] == name);
        found.map(|parameter| &parameter["schema"])
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        Schemas(&self.whole).resolved(value)
    }
}

fn check_body(
    schemas: &Schemas<'_>,
    schema: Option<&Value>,
    body: &Bytes,
    direction: Direction,
    problems: &mut Vec<String>,
) {
    match (schema, serde_json::from_slice::<Value>(body)) {
        (Some(schema), Ok(value)) => schemas.check(schema, &value, direction, "", problems),
        (None, _) if body.is_empty() => {}
        (None, _) => problems.push(format!("{direction:?} has a body")),
        (Some(_), Err(_)) => problems.push(format!("{direction:?} has no JSON")),
    }
}

fn located(exchange: &Exchange, problems: Vec<String>) -> Vec<String> {
    problems.into_iter().map(|problem| format!("{} {}: {problem}", exchange.method, exchange.uri)).collect()
}

/// Applies a merge patch (RFC 7396).
fn merge(value: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *value = patch;
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    let fields = value.as_object_mut().unwrap();
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(&name);
        } else {
            merge(fields.entry(name).or_insert(Value::Null), change);
        }
    }
}
