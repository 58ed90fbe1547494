//! Answers and their expectations: those of the case, and those of every answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, header};
use serde_json::{Value, json};

use super::{
    format::Expect,
    matching::{Mode, differences},
    symbols::Symbols,
};
use crate::{
    http::{REQUEST_ID, problem},
    scim,
};

/// A parsed answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    status: u16,
    headers: http::HeaderMap,
    bytes: Bytes,
    json: Option<Value>,
}

impl Answer {
    pub(super) fn read(response: Response<Bytes>) -> Self {
        let (parts, bytes) = response.into_parts();
        let json = serde_json::from_slice(&bytes).ok();
        Self { status: parts.status.as_u16(), headers: parts.headers, bytes, json }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Returns `true` for an error of SCIM, which is no problem document (RFC 7644 §3.12).
    fn is_scim(&self) -> bool {
        self.status >= 400 && self.header(header::CONTENT_TYPE.as_str()) == Some(scim::MEDIA_TYPE)
    }

    /// Returns the part that `header:<name>` or `body:<pointer>` names.
    pub(super) fn part(&self, source: &str) -> Result<String, String> {
        let missing = || format!("the answer has no `{source}`");
        match source.split_once(':') {
            Some(("header", name)) => self.header(name).map(str::to_owned).ok_or_else(missing),
            Some(("body", pointer)) => match self.json.as_ref().and_then(|json| json.pointer(pointer)) {
                Some(Value::String(text)) => Ok(text.clone()),
                Some(other @ (Value::Number(_) | Value::Bool(_))) => Ok(other.to_string()),
                _ => Err(missing()),
            },
            _ => Err(format!("`{source}` is neither `header:<name>` nor `body:<pointer>` nor `answer`")),
        }
    }

    pub(super) fn shown(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        let short: String = text.chars().take(2_000).collect();
        format!("{} {short}", self.status)
    }

    /// Returns everything except the request's id.
    fn anonymous(&self) -> (u16, Vec<(String, String)>, String) {
        let request_id = self.header(REQUEST_ID.as_str()).unwrap_or_default().to_owned();
        let named = self.headers.iter().filter(|(name, _)| **name != REQUEST_ID);
        let mut headers: Vec<(String, String)> = named
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        headers.sort();
        let body = String::from_utf8_lossy(&self.bytes).replace(&request_id, "<request id>");
        (self.status, headers, body)
    }
}

/// Reads the expectation of a step: a status, a status and a code as one text, or an object.
pub(super) fn read(value: &Value) -> Result<Expect, String> {
    let wrong = || "`expect` is a status, `<status> <code>`, or an object".to_owned();
    let object = match value {
        Value::Number(status) => json!({ "status": status }),
        Value::String(text) => {
            let (status, code) = text.split_once(' ').ok_or_else(wrong)?;
            json!({ "status": status.parse::<u16>().map_err(|_| wrong())?, "code": code })
        }
        Value::Object(_) => value.clone(),
        _ => return Err(wrong()),
    };
    let expect: Expect = serde_json::from_value(object).map_err(|error| format!("`expect` is wrong: {error}"))?;
    if (expect.status >= 400) != expect.code.is_some() {
        return Err("`expect` names a `code` if, and only if, the status is 400 or more".to_owned());
    }
    Ok(expect)
}

/// Returns the deviations from the step's expectation, and from those of every answer.
pub(super) fn check(
    expect: &Expect,
    answer: &Answer,
    symbols: &Symbols,
    answers: &BTreeMap<String, Answer>,
) -> Result<Vec<String>, String> {
    let mut found = always(answer);
    if answer.status != expect.status {
        found.push(format!("expected status {}, got {}", expect.status, answer.status));
    }
    for (name, wanted) in &expect.headers {
        let wanted = match symbols.fill_json(wanted)? {
            Value::Null => json!({ "$absent": true }),
            wanted => wanted,
        };
        let actual = answer.header(name).map(Value::from);
        let differences = differences(&wanted, actual.as_ref(), Mode::Exact);
        found.extend(differences.into_iter().map(|difference| format!("header `{name}`: {difference}")));
    }
    for (wanted, mode) in [(&expect.body, Mode::Exact), (&expect.contains, Mode::Subset)] {
        if let Some(wanted) = wanted {
            found.extend(differences(&symbols.fill_json(wanted)?, answer.json.as_ref(), mode));
        }
    }
    let member = |name: &str| answer.json.as_ref().and_then(|json| json.get(name));
    let of_scim = || answer.json.as_ref().filter(|_| answer.is_scim()).and_then(scim::code_of);
    let told = member("code").and_then(Value::as_str).or_else(of_scim);
    if let Some(code) = &expect.code
        && told != Some(code)
    {
        found.push(format!("expected the code `{code}`, got {told:?}"));
    }
    if let Some(errors) = &expect.errors {
        found.extend(differences(&json!(errors), Some(&fields(member("errors"))), Mode::Exact));
    }
    if let Some(name) = &expect.same_as {
        let other = answers.get(name).ok_or_else(|| format!("no answer was saved as `{name}`"))?;
        if other.anonymous() != answer.anonymous() {
            found.push(format!(
                "expected the same bytes and headers as `{name}`:\n      {:?}\n      {:?}",
                other.anonymous(),
                answer.anonymous()
            ));
        }
    }
    Ok(found)
}

/// Returns the invalid fields of a problem, with their codes.
fn fields(errors: Option<&Value>) -> Value {
    let entries = errors.and_then(Value::as_array).into_iter().flatten();
    let text = |entry: &Value, name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    entries.map(|entry| (text(entry, "field"), Value::from(text(entry, "code")))).collect()
}

/// Checks every answer, whatever the case expects.
///
/// It must have a request id and headers that restrict reading and caching, and every refusal must be a well-formed
/// problem document.
fn always(answer: &Answer) -> Vec<String> {
    let mut found = Vec::new();
    let request_id = answer.header(REQUEST_ID.as_str());
    if request_id.is_none_or(str::is_empty) {
        found.push("there is no `X-Request-Id`".to_owned());
    }
    if answer.header(header::X_CONTENT_TYPE_OPTIONS.as_str()) != Some("nosniff") {
        found.push("`X-Content-Type-Options` is not `nosniff`".to_owned());
    }
    if answer.header(header::CACHE_CONTROL.as_str()).is_none_or(str::is_empty) {
        found.push("there is no `Cache-Control`".to_owned());
    }
    if answer.status >= 500 {
        found.push("no case may end in a 5xx".to_owned());
    }
    if matches!(answer.status, 204 | 304) && !answer.bytes.is_empty() {
        found.push("there is a body where none may be".to_owned());
    }
    if answer.status < 400 {
        return found;
    }
    if answer.status == 401 && answer.header(header::WWW_AUTHENTICATE.as_str()).is_none() {
        found.push("a 401 has no `WWW-Authenticate`".to_owned());
    }
    if answer.is_scim() {
        let text = json!({ "$any": "text" });
        let mut wanted = json!({ "schemas": [scim::ERROR], "status": answer.status.to_string(), "detail": text });
        if let Some(members) =
            wanted.as_object_mut().filter(|_| answer.json.as_ref().is_some_and(|json| json.get("scimType").is_some()))
        {
            members.insert("scimType".to_owned(), text);
        }
        let differences = differences(&wanted, answer.json.as_ref(), Mode::Exact);
        found.extend(differences.into_iter().map(|difference| format!("error of SCIM: {difference}")));
        return found;
    }
    if answer.header(header::CONTENT_TYPE.as_str()) != Some(problem::MEDIA_TYPE) {
        found.push(format!("the media type of a problem is not {:?}", answer.header("content-type")));
    }
    let text = json!({ "$any": "text" });
    let mut wanted = json!({
        "type": "about:blank", "title": text, "status": answer.status, "code": text, "detail": text,
        "requestId": request_id,
    });
    let errors = answer.json.as_ref().and_then(|json| json.get("errors"));
    if let (Some(errors), Some(wanted)) = (errors.and_then(Value::as_array), wanted.as_object_mut()) {
        let entry = json!({ "field": { "$any": "text" }, "code": text, "message": text });
        let whole = json!({ "field": "", "code": text, "message": text });
        let entries = errors.iter().map(|error| {
            if error.get("field").and_then(Value::as_str) == Some("") { whole.clone() } else { entry.clone() }
        });
        wanted.insert("errors".to_owned(), entries.collect());
    }
    let differences = differences(&wanted, answer.json.as_ref(), Mode::Exact);
    found.extend(differences.into_iter().map(|difference| format!("problem document: {difference}")));
    found
}
