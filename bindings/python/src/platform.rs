//! The only class of the native module.

use std::{
    mem,
    path::PathBuf,
    process,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
};

use dezky::{
    Code, Error, Result, authn,
    clock::{Clock, SystemClock},
    context::RequestContext,
    domain::ObjectId,
    service::{Call, Principal, access::TenantReference},
};
use dezky_embedded::{Answer, Headers, KnownTokens, Names, Opened, Options, Said, Texts, ask, closed};
use http::{HeaderMap, StatusCode};
use pyo3::{prelude::*, pybacked::PyBackedBytes};
use pyo3_async_runtimes::tokio::get_runtime;
use tokio::sync::{OwnedRwLockReadGuard, RwLock};

use crate::{
    answer::{Told, Whole},
    calling::{limit, promise, wait, within},
    failure::raised,
    started::Started,
    token::VerifiedToken,
};

/// The process that opened a platform first. A forked child has its memory but none of its threads.
static OPENED_IN: AtomicU32 = AtomicU32::new(0);

fn forked() -> Error {
    let message = "this process was forked off one that uses Dezky, and has none of its threads: open it in a process that was \
                   started anew (`multiprocessing` with `spawn` or `forkserver`, or before any `open`)";
    Error::new(Code::FORKED, message)
}

type Opening = Arc<RwLock<Option<Opened>>>;

/// Dezky inside this process.
#[pyclass(frozen, module = "dezky._native")]
pub(crate) struct Platform {
    /// `None` after `close`. Users hold the lock for reading, so that closing waits for them.
    opened: Opening,
    tokens: Arc<Mutex<KnownTokens<Py<VerifiedToken>>>>,
    /// The process that opened it.
    process: u32,
}

impl Drop for Platform {
    fn drop(&mut self) {
        if self.process != process::id() {
            // The store belongs to another process: closing its files here would release that process's locks.
            mem::forget(Arc::clone(&self.opened));
        }
    }
}

impl Platform {
    pub(crate) fn new(options: Options, clock: Arc<dyn Clock>) -> Result<Self> {
        let process = process::id();
        let first = OPENED_IN.compare_exchange(0, process, Ordering::Relaxed, Ordering::Relaxed);
        if first.is_err_and(|first| first != process) {
            return Err(forked());
        }
        let _runtime = get_runtime().enter();
        let opened = options.open(Names::Snake, clock)?;
        Ok(Self { opened: Arc::new(RwLock::new(Some(opened))), tokens: Arc::default(), process })
    }

    /// Starts a call on the Python thread, so that a later `close` waits for it.
    ///
    /// Errors are raised at once, before the runtime is used: a forked child has none of its threads.
    fn begin(&self) -> PyResult<OwnedRwLockReadGuard<Option<Opened>>> {
        self.enter().map_err(|error| raised(&error))
    }

    fn enter(&self) -> Result<OwnedRwLockReadGuard<Option<Opened>>> {
        if self.process != process::id() {
            return Err(forked());
        }
        Arc::clone(&self.opened).try_read_owned().map_err(|_| closed())
    }

    fn asked(&self, said: Said, seconds: Option<f64>) -> PyResult<impl Future<Output = Result<Answer>> + Send + use<>> {
        let opened = self.begin()?;
        Ok(async move {
            // `opened` is held until the answer is available.
            let router = opened.as_ref().ok_or_else(closed)?.router.clone();
            within(limit(seconds)?, async move { ask(router, said.request()?).await }).await
        })
    }

    fn decided(
        &self,
        actor: String,
        user: String,
        tenant: Option<String>,
    ) -> PyResult<impl Future<Output = Result<String>> + Send + use<>> {
        let opened = self.begin()?;
        let decided = async move {
            let Opened { platform, .. } = opened.as_ref().ok_or_else(closed)?;
            let call = Call::by(RequestContext::fresh(), Principal::named_system(&actor)?);
            let bound_to = |issuer: &str| {
                let issuer = platform.verifier().issuers().iter().find(|known| known.id == issuer)?;
                issuer.tenant.clone()
            };
            let tenant = tenant.map(|tenant| TenantReference::from(&*tenant));
            let user = user.parse().map_err(|_| Error::not_found())?;
            let rights = platform.service().rights(&call, user, tenant.as_ref(), bound_to).await?;
            serde_json::to_string(&rights).map_err(|error| Error::internal(error.to_string()))
        };
        Ok(within(None, decided))
    }

    fn verified(
        &self,
        token: String,
    ) -> PyResult<impl Future<Output = Result<Arc<authn::VerifiedToken>>> + Send + use<>> {
        let opened = self.begin()?;
        Ok(async move {
            let verifier = opened.as_ref().ok_or_else(closed)?.platform.verifier().clone();
            let context = RequestContext::new(ObjectId::generate().to_string());
            within(None, async move { verifier.verify(&context, &token).await }).await
        })
    }
}

/// Returns the object of a token, the same one for as long as the token is remembered.
fn object(
    py: Python<'_>,
    tokens: &Mutex<KnownTokens<Py<VerifiedToken>>>,
    token: &Arc<authn::VerifiedToken>,
) -> PyResult<Py<VerifiedToken>> {
    let lock = || tokens.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = lock().get(token) {
        return Ok(known.clone_ref(py));
    }
    let made = Py::new(py, VerifiedToken::from(Arc::clone(token)))?;
    lock().insert(token, made.clone_ref(py));
    Ok(made)
}

/// Builds the request of a method.
fn said(actor: Option<String>, method: String, url: String, headers: &str, body: Option<&[u8]>) -> PyResult<Said> {
    let headers = Headers::lines(headers).map_err(|error| raised(&error))?;
    Ok(Said { method, url, headers, body: body.map(<[u8]>::to_vec), actor })
}

#[pymethods]
impl Platform {
    /// Opens a platform with these options.
    #[staticmethod]
    #[pyo3(signature = (
        *, store = None, oidc_issuer = None, oidc_audience = None, issuers = None, public_domain = None,
        platform_admin_group = None, extra_ca_certs = None, log = None, config = None, environment = true, tasks = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "they are keywords")]
    fn open(
        py: Python<'_>,
        store: Option<String>,
        oidc_issuer: Option<String>,
        oidc_audience: Option<Vec<String>>,
        issuers: Option<String>,
        public_domain: Option<String>,
        platform_admin_group: Option<String>,
        extra_ca_certs: Option<String>,
        log: Option<String>,
        config: Option<PathBuf>,
        environment: bool,
        tasks: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let open = || {
            let issuers = issuers.map(|issuers| Options::parse_issuers(&issuers)).transpose()?;
            let options = Options {
                store,
                oidc_issuer,
                oidc_audience: oidc_audience.map(Texts::Many),
                issuers,
                public_domain,
                platform_admin_group,
                extra_ca_certs,
                log,
                config,
                environment: Some(environment),
                tasks: tasks.map(Texts::Many),
            };
            Self::new(options, Arc::new(SystemClock))
        };
        py.detach(open).map_err(|error| raised(&error))
    }

    /// Sends a request to the router, and waits.
    #[pyo3(signature = (actor, method, url, headers, body, timeout) -> "tuple[int, str | None, str | None, bytes]")]
    #[allow(clippy::too_many_arguments, reason = "an object would cost more to take apart than it says")]
    fn request(
        &self,
        py: Python<'_>,
        actor: Option<String>,
        method: String,
        url: String,
        headers: &str,
        body: Option<&[u8]>,
        timeout: Option<f64>,
    ) -> PyResult<Told> {
        let asked = self.asked(said(actor, method, url, headers, body)?, timeout)?;
        wait(py, async move { asked.await.map(Told) })
    }

    /// Sends a request to the router. Returns an awaitable.
    #[pyo3(signature = (actor, method, url, headers, body, timeout) -> "collections.abc.Awaitable[tuple[int, str | None, str | None, bytes]]")]
    #[allow(clippy::too_many_arguments, reason = "an object would cost more to take apart than it says")]
    fn request_async<'py>(
        &self,
        py: Python<'py>,
        actor: Option<String>,
        method: String,
        url: String,
        headers: &str,
        body: Option<&[u8]>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let asked = self.asked(said(actor, method, url, headers, body)?, timeout)?;
        promise(py, async move { asked.await.map(Told) })
    }

    /// Sends a request to the router, and returns without waiting.
    #[pyo3(signature = (actor, method, url, headers, body, timeout))]
    #[allow(clippy::too_many_arguments, reason = "an object would cost more to take apart than it says")]
    fn start(
        &self,
        actor: Option<String>,
        method: String,
        url: String,
        headers: &str,
        body: Option<&[u8]>,
        timeout: Option<f64>,
    ) -> PyResult<Started> {
        Ok(Started::new(self.asked(said(actor, method, url, headers, body)?, timeout)?))
    }

    /// Answers a request received over HTTP. Returns an awaitable.
    #[pyo3(signature = (method, url, headers: "list[tuple[bytes, bytes]]", body) -> "collections.abc.Awaitable[tuple[int, list[tuple[bytes, bytes]], bytes]]")]
    fn answer<'py>(
        &self,
        py: Python<'py>,
        method: String,
        url: String,
        headers: Vec<(PyBackedBytes, PyBackedBytes)>,
        body: &[u8],
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut given = Headers::default();
        for (name, value) in &headers {
            given.add(name, value).map_err(|error| raised(&error))?;
        }
        let said = Said { method, url, headers: given, body: Some(body.to_vec()), actor: None };
        let asked = self.asked(said, None)?;
        promise(py, async move { asked.await.map(Whole) })
    }

    /// Returns a person's rights, with reasons, as JSON.
    #[pyo3(signature = (actor, user, tenant))]
    fn rights(&self, py: Python<'_>, actor: String, user: String, tenant: Option<String>) -> PyResult<String> {
        wait(py, self.decided(actor, user, tenant)?)
    }

    /// Returns a person's rights. Returns an awaitable.
    #[pyo3(signature = (actor, user, tenant) -> "collections.abc.Awaitable[str]")]
    fn rights_async<'py>(
        &self,
        py: Python<'py>,
        actor: String,
        user: String,
        tenant: Option<String>,
    ) -> PyResult<Bound<'py, PyAny>> {
        promise(py, self.decided(actor, user, tenant)?)
    }

    /// Starts to determine a person's rights, and returns without waiting.
    #[pyo3(signature = (actor, user, tenant))]
    fn start_rights(&self, actor: String, user: String, tenant: Option<String>) -> PyResult<Started> {
        let decided = self.decided(actor, user, tenant)?;
        Ok(Started::new(async move {
            let body = decided.await?.into();
            Ok(Answer { status: StatusCode::OK, headers: HeaderMap::new(), body })
        }))
    }

    /// Verifies a token on this thread; returns nothing if keys must be fetched first.
    fn verify_now(&self, py: Python<'_>, token: &str) -> PyResult<Option<Py<VerifiedToken>>> {
        let verified = py.detach(|| {
            let opened = self.enter()?;
            // Background fetches of keys are spawned from here too.
            let _runtime = get_runtime().enter();
            opened.as_ref().ok_or_else(closed)?.platform.verifier().verify_now(token).transpose()
        });
        let Some(token) = verified.map_err(|error| raised(&error))? else { return Ok(None) };
        object(py, &self.tokens, &token).map(Some)
    }

    /// Verifies a token, fetching keys if necessary, and waits.
    fn verify(&self, py: Python<'_>, token: String) -> PyResult<Py<VerifiedToken>> {
        let verified = wait(py, self.verified(token)?)?;
        object(py, &self.tokens, &verified)
    }

    /// Verifies a token, fetching keys if necessary. Returns an awaitable.
    #[pyo3(signature = (token) -> "collections.abc.Awaitable[VerifiedToken]")]
    fn verify_async<'py>(&self, py: Python<'py>, token: String) -> PyResult<Bound<'py, PyAny>> {
        let (verified, tokens) = (self.verified(token)?, Arc::clone(&self.tokens));
        pyo3_async_runtimes::tokio::future_into_py(py, async move {
            let verified = verified.await.map_err(|error| raised(&error))?;
            Python::attach(|py| object(py, &tokens, &verified))
        })
    }

    /// Stops background tasks, waits for calls in progress and closes the store.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        if self.process != process::id() {
            return Ok(());
        }
        wait(py, close(Arc::clone(&self.opened)))
    }

    /// Closes the platform. Returns an awaitable.
    #[pyo3(signature = () -> "collections.abc.Awaitable[None]")]
    fn close_async<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let own = self.process == process::id();
        let opened = Arc::clone(&self.opened);
        promise(py, async move { if own { close(opened).await } else { Ok(()) } })
    }
}

async fn close(opened: Opening) -> Result<()> {
    let opened = opened.write().await.take();
    if let Some(opened) = opened {
        opened.platform.close();
        drop(opened);
    }
    Ok(())
}
