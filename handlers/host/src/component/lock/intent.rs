//! What the caller has asked for in so many words: what gives and takes the highest rights must stand in the request.

use bytes::Bytes;
use dezky::domain::ObjectId;
use http::Method;
use serde_json::Value;

/// Method, path and body of a request.
#[derive(Debug)]
pub(crate) struct Intent {
    method: Method,
    path: String,
    body: Bytes,
}

impl Intent {
    /// Of a request.
    pub(crate) fn new(method: Method, path: String, body: Bytes) -> Self {
        Self { method, path, body }
    }

    /// Method and path.
    pub(crate) fn target(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The method.
    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// Whether the path ends with this folder and this id.
    pub(super) fn names(&self, folder: &str, id: ObjectId) -> bool {
        let mut parts = self.path.trim_end_matches('/').rsplit('/');
        parts.next() == Some(id.to_string().as_str()) && parts.next() == Some(folder)
    }

    /// Whether the request creates something in this folder.
    pub(super) fn creates(&self, folder: &str) -> bool {
        self.method == Method::POST && self.path.trim_end_matches('/').rsplit('/').next() == Some(folder)
    }

    /// Whether the request erases something.
    pub(super) fn deletes(&self) -> bool {
        self.method == Method::DELETE
    }

    /// What the body says of a field.
    pub(super) fn says(&self, field: &str) -> Option<Value> {
        let body: Value = serde_json::from_slice(&self.body).ok()?;
        body.get(field).cloned()
    }
}
