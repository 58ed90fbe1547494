//! A request as handlers read it: decoded path and query, and strict JSON.

use http::Method;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::{clock::Timestamp, emulators::Exchange};

/// A request with decoded path and query.
#[derive(Debug)]
pub(super) struct Request<'a> {
    exchange: &'a Exchange,
    segments: Vec<String>,
    query: Vec<(String, String)>,
}

impl<'a> Request<'a> {
    pub(super) fn new(exchange: &'a Exchange) -> Self {
        let path = exchange.uri.path();
        // One slash at the end is dropped, as the real router does.
        let path = path.strip_suffix('/').unwrap_or(path);
        let segments = path.trim_start_matches('/').split('/').map(decode).collect();
        let query = form_urlencoded::parse(exchange.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        Self { exchange, segments, query }
    }

    pub(super) fn method(&self) -> &Method {
        &self.exchange.method
    }

    pub(super) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    pub(super) fn now(&self) -> Timestamp {
        self.exchange.now
    }

    /// Returns `true` if lists and searches show what was created at this time.
    pub(super) fn lists(&self, created: Timestamp) -> bool {
        created <= self.exchange.listed_until
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.exchange.headers.get(name)?.to_str().ok()
    }

    /// Returns the base URL that links in answers begin with.
    pub(super) fn base(&self) -> String {
        match self.header("host") {
            Some(host) => format!("http://{host}"),
            None => "https://localhost:9200".to_owned(),
        }
    }

    /// Reads the first JSON object of the body, which may have these members only.
    ///
    /// The error is the text of Go's decoder, which answers repeat.
    pub(super) fn strict(&self, known: &[&str]) -> Result<Map<String, Value>, String> {
        // What follows the first value is not looked at.
        let first = serde_json::Deserializer::from_slice(&self.exchange.body).into_iter::<Value>().next();
        let object = match first {
            None => return Err("EOF".to_owned()),
            Some(Err(error)) if error.is_eof() => return Err("unexpected EOF".to_owned()),
            Some(Err(_)) => return Err("invalid character looking for beginning of value".to_owned()),
            Some(Ok(Value::Object(object))) => object,
            Some(Ok(Value::Null)) => Map::new(),
            Some(Ok(_)) => return Err("json: cannot unmarshal value into Go value".to_owned()),
        };
        match object.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(format!("json: unknown field \"{key}\"")),
            None => Ok(object),
        }
    }
}

/// Returns a member that may be absent or `null`, but is otherwise text.
pub(super) fn optional_text(object: &Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("json: cannot unmarshal value into Go struct field .{name} of type string")),
    }
}

/// Decodes the percent-encoding of a path's segment.
fn decode(segment: &str) -> String {
    let pair = format!("={}", segment.replace('+', "%2B").replace('&', "%26"));
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}
