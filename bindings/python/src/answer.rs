//! Answers for Python.

use dezky_embedded::Answer;
use http::header::{ETAG, HeaderName, RETRY_AFTER};
use pyo3::{Bound, IntoPyObject, PyErr, Python, types::PyBytes};

/// The parts that methods create results from: status, entity tag, retry delay in seconds, and body.
pub(crate) struct Told(pub(crate) Answer);

/// The parts of an HTTP answer: status, headers, and body.
pub(crate) struct Whole(pub(crate) Answer);

type ToldTuple<'py> = (u16, Option<String>, Option<String>, Bound<'py, PyBytes>);
type WholeTuple<'py> = (u16, Vec<(Bound<'py, PyBytes>, Bound<'py, PyBytes>)>, Bound<'py, PyBytes>);

fn text(answer: &Answer, name: &HeaderName) -> Option<String> {
    answer.headers.get(name)?.to_str().ok().map(str::to_owned)
}

impl<'py> IntoPyObject<'py> for Told {
    type Target = <ToldTuple<'py> as IntoPyObject<'py>>::Target;
    type Output = Bound<'py, Self::Target>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, PyErr> {
        let Self(answer) = self;
        let body = PyBytes::new(py, &answer.body);
        (answer.status.as_u16(), text(&answer, &ETAG), text(&answer, &RETRY_AFTER), body).into_pyobject(py)
    }
}

impl<'py> IntoPyObject<'py> for Whole {
    type Target = <WholeTuple<'py> as IntoPyObject<'py>>::Target;
    type Output = Bound<'py, Self::Target>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> Result<Self::Output, PyErr> {
        let Self(answer) = self;
        let bytes = |text: &[u8]| PyBytes::new(py, text);
        let headers: Vec<_> =
            answer.headers.iter().map(|(name, value)| (bytes(name.as_ref()), bytes(value.as_bytes()))).collect();
        (answer.status.as_u16(), headers, bytes(&answer.body)).into_pyobject(py)
    }
}
