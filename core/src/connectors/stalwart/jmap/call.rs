//! Method calls of JMAP (RFC 8620 §3) and their answers.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    super::reading::{incompatible, quote, read},
    errors::{SetError, method_error},
};
use crate::{
    connectors::{ConnectorError, ConnectorResult},
    context::RequestContext,
    outbound::{OriginClient, Request},
};

/// Calls of one request, answered in their order.
#[derive(Debug, Default)]
pub(in super::super) struct Batch {
    calls: Vec<(&'static str, Value)>,
}

impl Batch {
    pub(in super::super) fn new() -> Self {
        Self::default()
    }

    /// Returns the number of calls, which is the place of the next one.
    pub(in super::super) fn len(&self) -> usize {
        self.calls.len()
    }

    /// Appends a call. Its number is its place.
    pub(in super::super) fn call(mut self, method: &'static str, arguments: Value) -> Self {
        self.calls.push((method, arguments));
        self
    }

    /// Sends the calls to the configured address, and not to the `apiUrl` of the session, which may name the inside of a
    /// network.
    pub(in super::super) async fn send(
        self,
        client: &OriginClient,
        context: &RequestContext,
    ) -> ConnectorResult<Answers> {
        let calls: Vec<_> = self
            .calls
            .iter()
            .enumerate()
            .map(|(place, (method, arguments))| json!([method, arguments, place.to_string()]))
            .collect();
        let body = json!({ "using": ["urn:ietf:params:jmap:core", "urn:stalwart:jmap"], "methodCalls": calls });
        let response = client.send(context, &Request::post("/jmap").json(&body)).await?;
        match response.status() {
            StatusCode::BAD_REQUEST => return Err(request_error(response.json().ok())),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
                return Err(incompatible("`/jmap` is not there"));
            }
            _ => {}
        }
        let response = response.error_for_status()?;
        let envelope: Envelope = read("/jmap", response.json()?)?;
        let methods = self.calls.into_iter().map(|(method, _)| method).collect();
        let answers =
            envelope.method_responses.into_iter().map(|(name, value, place)| (place, (name, value))).collect();
        Ok(Answers { methods, answers })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    method_responses: Vec<(String, Value, String)>,
}

/// A problem with a whole request (RFC 8620 §3.6.1).
#[derive(Deserialize)]
struct Problem {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    detail: String,
}

fn request_error(problem: Option<Problem>) -> ConnectorError {
    match problem {
        Some(problem) if problem.kind == "urn:ietf:params:jmap:error:limit" => {
            let why = format!("Stalwart has too much to do: `{}`", quote(&problem.detail));
            ConnectorError::Retryable { after: None, why }
        }
        Some(problem) => incompatible(&format!("it refuses a request: `{}`", quote(&problem.detail))),
        None => incompatible("it refuses a request without a reason"),
    }
}

/// Answers to the calls of a request.
#[derive(Debug)]
pub(in super::super) struct Answers {
    methods: Vec<&'static str>,
    answers: BTreeMap<String, (String, Value)>,
}

impl Answers {
    /// Takes the answer to the call at a place.
    ///
    /// # Errors
    /// The error of the method, and `Incompatible` when there is no answer or a field is missing.
    pub(in super::super) fn take<T: DeserializeOwned>(&mut self, place: usize) -> ConnectorResult<T> {
        let method = self.methods.get(place).copied().unwrap_or_default();
        let answer = self.answers.remove(&place.to_string());
        let (name, value) = answer.ok_or_else(|| incompatible(&format!("`{method}` has no answer")))?;
        if name == "error" {
            return Err(method_error(method, value));
        }
        if name != method {
            return Err(incompatible(&format!("`{method}` is answered as `{}`", quote(&name))));
        }
        read(method, value)
    }

    /// Takes the answer to a `set` call at a place.
    pub(in super::super) fn take_set(&mut self, place: usize) -> ConnectorResult<SetAnswer> {
        let method = self.methods.get(place).copied().unwrap_or_default();
        let mut answer: SetAnswer = self.take(place)?;
        answer.method = method;
        Ok(answer)
    }
}

/// Answer to a query.
#[derive(Debug, Deserialize)]
pub(in super::super) struct QueryAnswer {
    pub(in super::super) ids: Vec<String>,
    pub(in super::super) total: Option<u64>,
}

/// Answer to a `get` call.
#[derive(Debug, Deserialize)]
pub(in super::super) struct GetAnswer {
    pub(in super::super) list: Vec<Value>,
}

/// Answer to a `set` call.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in super::super) struct SetAnswer {
    #[serde(skip)]
    method: &'static str,
    created: Option<BTreeMap<String, Value>>,
    updated: Option<BTreeMap<String, Value>>,
    destroyed: Option<Vec<String>>,
    not_created: Option<BTreeMap<String, Box<SetError>>>,
    not_updated: Option<BTreeMap<String, Box<SetError>>>,
    not_destroyed: Option<BTreeMap<String, Box<SetError>>>,
}

impl SetAnswer {
    /// Returns what was created under a key, or why it was not.
    pub(in super::super) fn created<T: DeserializeOwned>(
        &mut self,
        key: &str,
    ) -> ConnectorResult<Result<T, Box<SetError>>> {
        if let Some(error) = take(&mut self.not_created, key) {
            return Ok(Err(error.of(self.method)));
        }
        let value = take(&mut self.created, key).ok_or_else(|| self.silent("created"))?;
        read(self.method, value).map(Ok)
    }

    /// Returns that an object was updated, or why it was not.
    pub(in super::super) fn updated(&mut self, id: &str) -> ConnectorResult<Result<(), Box<SetError>>> {
        if let Some(error) = take(&mut self.not_updated, id) {
            return Ok(Err(error.of(self.method)));
        }
        take(&mut self.updated, id).map(|_| Ok(())).ok_or_else(|| self.silent("updated"))
    }

    /// Returns that an object was destroyed, or why it was not.
    pub(in super::super) fn destroyed(&mut self, id: &str) -> ConnectorResult<Result<(), Box<SetError>>> {
        if let Some(error) = take(&mut self.not_destroyed, id) {
            return Ok(Err(error.of(self.method)));
        }
        let done = self.destroyed.as_ref().is_some_and(|ids| ids.iter().any(|other| other == id));
        if done { Ok(Ok(())) } else { Err(self.silent("destroyed")) }
    }

    /// Creates the error of an answer that says neither yes nor no.
    fn silent(&self, what: &str) -> ConnectorError {
        incompatible(&format!("`{}` does not tell what it has {what}", self.method))
    }
}

fn take<T>(map: &mut Option<BTreeMap<String, T>>, key: &str) -> Option<T> {
    map.as_mut().and_then(|map| map.remove(key))
}
