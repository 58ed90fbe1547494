//! Verified tokens for Python.

use std::sync::Arc;

use dezky::{authn, clock::Timestamp};
use pyo3::{
    prelude::*,
    types::{IntoPyDict as _, PyDateTime, PyTzInfo},
};

/// A token with a valid signature and claims. It identifies the caller, and tells nothing about their rights.
#[pyclass(frozen, eq, module = "dezky")]
pub(crate) struct VerifiedToken {
    token: Arc<authn::VerifiedToken>,
}

impl PartialEq for VerifiedToken {
    fn eq(&self, other: &Self) -> bool {
        self.token == other.token
    }
}

impl From<Arc<authn::VerifiedToken>> for VerifiedToken {
    fn from(token: Arc<authn::VerifiedToken>) -> Self {
        Self { token }
    }
}

fn instant(py: Python<'_>, timestamp: Timestamp) -> PyResult<Bound<'_, PyDateTime>> {
    let milliseconds = timestamp.milliseconds();
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of the next 200,000 years are exact")]
    let whole = milliseconds.div_euclid(1000) as f64;
    let instant = PyDateTime::from_timestamp(py, whole, Some(&*PyTzInfo::utc(py)?))?;
    let rest = milliseconds.rem_euclid(1000);
    if rest == 0 {
        return Ok(instant);
    }
    let exact = instant.call_method("replace", (), Some(&[("microsecond", rest * 1000)].into_py_dict(py)?))?;
    Ok(exact.cast_into()?)
}

#[pymethods]
impl VerifiedToken {
    /// The stable `id` of the issuer.
    #[getter]
    fn issuer_id(&self) -> &str {
        &self.token.issuer_id
    }

    /// `sub`.
    #[getter]
    fn subject(&self) -> &str {
        &self.token.subject
    }

    /// `iat`.
    #[getter]
    fn issued_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        instant(py, self.token.issued_at)
    }

    /// `exp`.
    #[getter]
    fn expires_at<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDateTime>> {
        instant(py, self.token.expires_at)
    }

    /// `nbf`.
    #[getter]
    fn not_before<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDateTime>>> {
        self.token.not_before.map(|timestamp| instant(py, timestamp)).transpose()
    }

    /// Slug of the tenant that the issuer is bound to; the token is only valid in that tenant.
    #[getter]
    fn tenant(&self) -> Option<&str> {
        self.token.tenant.as_deref()
    }

    /// `email`, which is not proved to belong to the person.
    #[getter]
    fn email(&self) -> Option<&str> {
        self.token.email.as_deref()
    }

    /// `name`, else `preferred_username`.
    #[getter]
    fn name(&self) -> Option<&str> {
        self.token.name.as_deref()
    }

    /// `sid`: the session at the identity provider.
    #[getter]
    fn session_id(&self) -> Option<&str> {
        self.token.session_id.as_deref()
    }

    /// `jti`.
    #[getter]
    fn token_id(&self) -> Option<&str> {
        self.token.token_id.as_deref()
    }

    /// Omits the personal claims, which do not belong in logs.
    fn __repr__(&self) -> String {
        format!(
            "VerifiedToken(issuer_id={:?}, subject={:?}, expires_at={})",
            self.token.issuer_id, self.token.subject, self.token.expires_at
        )
    }
}
