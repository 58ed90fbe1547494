//! The public error: stable kind and code, a message that says what to change, and the invalid fields.

mod code;
mod codes;
mod documentation;

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

pub use self::{
    code::{Code, FieldCode},
    documentation::code_pages,
};

/// Result of every operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Category of an error. Each has one HTTP status, one Node error class and one Python exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request is not parseable: broken JSON, a malformed cursor. HTTP 400.
    BadRequest,
    /// The token is missing or does not authenticate the caller. HTTP 401.
    Unauthenticated,
    /// The caller is known and not allowed to do this. HTTP 403.
    Forbidden,
    /// The resource does not exist, or the caller may not see it. HTTP 404.
    NotFound,
    /// The path exists, but not with this method. HTTP 405.
    MethodNotAllowed,
    /// The request conflicts with existing state: a taken slug, a duplicate request. HTTP 409.
    Conflict,
    /// `If-Match` does not name the current version. HTTP 412.
    PreconditionFailed,
    /// The body is larger than the limit. HTTP 413.
    PayloadTooLarge,
    /// The body has an unsupported media type. HTTP 415.
    UnsupportedMediaType,
    /// One or more fields are invalid; each is named. HTTP 422.
    Invalid,
    /// Too many requests; try again later. HTTP 429.
    RateLimited,
    /// A setting is invalid. The process does not start with it; never seen over HTTP.
    Configuration,
    /// A system behind the service does not respond; try again later. HTTP 503.
    Unavailable,
    /// A defect or corrupt data. Details go to the log, never to the caller. HTTP 500.
    Internal,
}

impl ErrorKind {
    /// All kinds.
    pub const ALL: [Self; 14] = [
        Self::BadRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PreconditionFailed,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::Invalid,
        Self::RateLimited,
        Self::Configuration,
        Self::Unavailable,
        Self::Internal,
    ];

    /// Returns the stable name, which bindings use for their error classes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::Conflict => "conflict",
            Self::PreconditionFailed => "precondition_failed",
            Self::PayloadTooLarge => "payload_too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::Invalid => "invalid",
            Self::RateLimited => "rate_limited",
            Self::Configuration => "configuration",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
        }
    }

    /// Looks up a kind by its stable name, for edges that receive errors as text.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Returns the HTTP status of every answer with this kind.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthenticated => 401,
            Self::Forbidden => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::PreconditionFailed => 412,
            Self::PayloadTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Invalid => 422,
            Self::RateLimited => 429,
            Self::Configuration | Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }

    /// Returns the exit code of an operator's command that ends with this kind.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Configuration | Self::BadRequest | Self::Invalid | Self::PayloadTooLarge => 2,
            Self::NotFound => 3,
            Self::Conflict | Self::PreconditionFailed => 4,
            Self::RateLimited | Self::Unavailable => 5,
            Self::Unauthenticated
            | Self::Forbidden
            | Self::MethodNotAllowed
            | Self::UnsupportedMediaType
            | Self::Internal => 1,
        }
    }

    /// Returns whether the same call may succeed later without a change by the caller.
    #[must_use]
    pub const fn retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable)
    }
}

/// An invalid field of an input: its path, a stable code, and what to change.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
#[non_exhaustive]
pub struct FieldError {
    /// Path of the field, with dots and indexes: `billingInfo.email`, `domains[2]`.
    pub field: String,
    /// Stable code: `required`, `unknown_field`, `too_long`, `reserved` and so on.
    #[schema(value_type = String)]
    pub code: FieldCode,
    /// Message for a person: what to change.
    pub message: String,
}

impl FieldError {
    /// Creates a field error.
    pub fn new(field: impl Into<String>, code: impl Into<FieldCode>, message: impl Into<String>) -> Self {
        Self { field: field.into(), code: code.into(), message: message.into() }
    }
}

/// The error of this crate.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    code: Code,
    message: Cow<'static, str>,
    fields: Vec<FieldError>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Creates an error with a stable code, which fixes its kind, and a message that says what to change.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        Self { inner: Box::new(Inner { code, message, fields: Vec::new(), retry_after: None, source: None }) }
    }

    /// Creates an error for an input with invalid fields, each named.
    #[must_use]
    pub fn invalid(fields: Vec<FieldError>) -> Self {
        let message = match fields.as_slice() {
            [only] => format!("`{}`: {}", only.field, only.message),
            many => format!("{} fields are not acceptable; see `errors`", many.len()),
        };
        Self::new(Code::INVALID_FIELDS, message).with_fields(fields)
    }

    /// Creates an error for a missing resource. Callers cannot tell it from an invisible one.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NOT_FOUND, "there is nothing here that you may see")
    }

    /// Creates an error for a defect. The message goes to the log only.
    pub fn internal(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::INTERNAL, message)
    }

    /// Sets the invalid fields.
    #[must_use]
    pub fn with_fields(mut self, fields: Vec<FieldError>) -> Self {
        self.inner.fields = fields;
        self
    }

    /// Appends invalid fields.
    #[must_use]
    pub fn with_more_fields(self, more: Vec<FieldError>) -> Self {
        if more.is_empty() {
            return self;
        }
        Self::invalid(self.inner.fields.iter().cloned().chain(more).collect())
    }

    /// Sets the time to wait before a retry.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.inner.retry_after = Some(wait);
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Returns the kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.code.kind()
    }

    /// Returns the stable code, such as `token_expired`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.inner.code.name()
    }

    /// Returns the stable code as the table declares it.
    #[must_use]
    pub fn declared_code(&self) -> Code {
        self.inner.code
    }

    /// Returns `true` if the error has this code.
    #[must_use]
    pub fn is(&self, code: Code) -> bool {
        self.inner.code == code
    }

    /// Returns the message for a person.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.inner.message
    }

    /// Returns the invalid fields, for the kinds [`ErrorKind::Invalid`] and [`ErrorKind::Forbidden`].
    #[must_use]
    pub fn fields(&self) -> &[FieldError] {
        &self.inner.fields
    }

    /// Returns the time to wait before a retry, if known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// Returns whether the same call may succeed later without a change by the caller.
    #[must_use]
    pub fn retryable(&self) -> bool {
        self.inner.code.retryable()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Error")
            .field("kind", &self.kind())
            .field("code", &self.code())
            .field("message", &self.inner.message)
            .field("fields", &self.inner.fields)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.as_deref().map(|source| source as _)
    }
}
