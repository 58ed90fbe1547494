//! Query strings, read like bodies: each invalid or unknown parameter is named.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde_json::{Map, Value};

use crate::{
    domain::{
        Choice, Open, fields,
        input::{Problem, Reader},
    },
    error::{Error, FieldCode, FieldError, Result},
    service::{ListRequest, access::TenantReference},
};

/// The parameters of a query string.
pub(super) struct Parameters {
    reader: Reader,
    /// Errors of values that are only valid if stored. They are reported if there are other errors.
    doubtful: Vec<FieldError>,
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut members = Map::new();
        let query = parts.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            if members.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
                let name = name.chars().take(80).collect::<String>();
                return Err(Error::invalid(vec![FieldError::new(
                    name,
                    FieldCode::DUPLICATE_FIELD,
                    "give this parameter once",
                )]));
            }
        }
        Ok(Self { reader: Reader::new(Value::Object(members))?, doubtful: Vec::new() })
    }
}

fn number(value: &Value) -> Result<u32, Problem> {
    let text = value.as_str().unwrap_or_default();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = text.parse().ok().filter(|_| digits);
    parsed.filter(|limit| (1..=ListRequest::MAXIMUM_LIMIT).contains(limit)).ok_or_else(|| {
        Problem::new(
            FieldCode::OUT_OF_RANGE,
            format!("must be a whole number from 1 to {}", ListRequest::MAXIMUM_LIMIT),
        )
    })
}

impl Parameters {
    /// Reads a parameter.
    pub(super) fn take<T>(
        &mut self,
        name: &'static str,
        parse: impl FnOnce(&Value) -> Result<T, Problem>,
    ) -> Option<T> {
        self.reader.optional(name, parse)
    }

    /// Reads one of a list of names, or a text that another program may have stored.
    ///
    /// The use case checks if such a text is stored.
    pub(super) fn open<T: Choice>(&mut self, name: &'static str) -> Option<Open<T>> {
        let value: Open<T> = self.text(name)?.as_str().into();
        if value.is_foreign() {
            self.doubtful.push(fields::no_choice::<T>().of(name));
        }
        Some(value)
    }

    /// Reads a text parameter of up to 200 characters.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.take(name, fields::label)
    }

    /// Reads the parameter `tenant`: an id or a slug.
    pub(super) fn tenant(&mut self) -> Option<TenantReference> {
        self.text("tenant").map(|text| TenantReference::from(text.as_str()))
    }

    /// Finishes reading, with the parameters of every list.
    ///
    /// # Errors
    /// `invalid_fields` naming each invalid or unknown parameter.
    pub(super) fn list(mut self) -> Result<ListRequest> {
        let limit = self.take("limit", number);
        let cursor = self.take("cursor", |value| Ok(value.as_str().unwrap_or_default().to_owned()));
        let doubtful = self.doubtful;
        self.reader.finish().map_err(|error| error.with_more_fields(doubtful))?;
        Ok(ListRequest { limit, cursor })
    }

    /// Finishes reading.
    ///
    /// # Errors
    /// As [`Parameters::list`].
    pub(super) fn finish(self) -> Result<()> {
        self.reader.finish()
    }
}
