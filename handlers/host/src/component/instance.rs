//! Instances: what belongs to each, which request a call of theirs belongs to, and when they end.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use tokio::time::{Sleep, sleep_until};
use wasmtime::{
    AsContextMut, Engine, Store, StoreContextMut, StoreLimits, StoreLimitsBuilder, UpdateDeadline,
    component::{GuestTaskId, ResourceTable},
};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error as HttpError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
    handler::{HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus},
};

use super::{Bounds, Platform, engine::EPOCH, facts::RequestFacts};

/// How long an instance without requests is kept.
const IDLE: Duration = Duration::from_secs(10);

/// How long an instance may go on after its last answer: it sends that answer's body meanwhile.
const AFTERWARDS: Duration = Duration::from_secs(5);

/// Most handles that an instance may hold: streams, bodies, headers, pollables.
const RESOURCES: usize = 4_096;

/// Most bytes that one call may have the host take over from the component.
const TAKEN_OVER: usize = 8 * 1024 * 1024;

/// The requests that an instance is answering, by their tasks.
#[derive(Debug, Default, Clone)]
pub(super) struct Tasks(Arc<Mutex<HashMap<GuestTaskId, Arc<RequestFacts>>>>);

impl Tasks {
    fn lock(&self) -> MutexGuard<'_, HashMap<GuestTaskId, Arc<RequestFacts>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, task: GuestTaskId) {
        self.lock().remove(&task);
    }
}

/// What belongs to an instance.
pub(super) struct InstanceState {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoNetwork,
    table: ResourceTable,
    limits: StoreLimits,
    tasks: Tasks,
    /// Epochs that passed while the component was computing and that are no request's yet.
    busy: Arc<AtomicU32>,
    /// Most epochs of computing of one request.
    most: u32,
    pub(super) platform: Arc<Platform>,
}

impl InstanceState {
    fn new(platform: Arc<Platform>, bounds: &Bounds) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false).wall_clock(HostClock(Arc::clone(&platform)));
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        let limits = StoreLimitsBuilder::new().memory_size(bounds.memory).memories(1).tables(8).instances(32).build();
        Self {
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            hooks: NoNetwork,
            table,
            limits,
            tasks: Tasks::default(),
            busy: Arc::new(AtomicU32::new(0)),
            most: epochs(bounds.computing),
            platform,
        }
    }
}

/// The request on whose behalf the component calls: that of the task at the root of the call, never the last one. What
/// the component has computed until now was for it; a request for which it has computed too long ends the instance.
pub(super) fn request_of(mut store: impl AsContextMut<Data = InstanceState>) -> Option<Arc<RequestFacts>> {
    let mut context = store.as_context_mut();
    let task = context.async_call_stack().ok()?.last()?;
    let state = context.data();
    let facts = state.tasks.lock().get(&task).cloned()?;
    let passed = state.busy.swap(0, Ordering::Relaxed);
    if facts.computed(passed) >= state.most {
        state.busy.store(state.most, Ordering::Relaxed);
    }
    Some(facts)
}

impl WasiView for InstanceState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for InstanceState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.hooks }
    }
}

/// The time of the service, so that host and component never differ about it.
struct HostClock(Arc<Platform>);

impl wasmtime_wasi::HostWallClock for HostClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.clock.now().milliseconds()).unwrap_or(0))
    }
}

/// A component reaches nobody.
struct NoNetwork;

type Sent = (http::Response<WasiBody>, Box<dyn Future<Output = Result<(), HttpError>> + Send>);

impl WasiHttpHooks for NoNetwork {
    fn send_request(
        &mut self,
        _: http::Request<WasiBody>,
        _: Option<RequestOptions>,
        _: Box<dyn Future<Output = Result<(), HttpError>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, HttpError>> + Send> {
        Box::new(async { Err(HttpError::HttpRequestDenied) })
    }

    /// The host name of a request is for the router to see.
    fn is_forbidden_header(&mut self, name: &http::HeaderName) -> bool {
        super::is_hop_by_hop(name)
    }
}

/// Makes instances.
pub(super) struct Instances {
    engine: Engine,
    component: Arc<ProxyPre<InstanceState>>,
    platform: Arc<Platform>,
    bounds: Bounds,
}

impl Instances {
    /// Instances of a component within bounds.
    pub(super) fn new(
        engine: Engine,
        component: Arc<ProxyPre<InstanceState>>,
        platform: Arc<Platform>,
        bounds: Bounds,
    ) -> Self {
        Self { engine, component, platform, bounds }
    }
}

impl HandlerState for Instances {
    type StoreData = InstanceState;
    type WorkerExpiration = Expiry;
    type WorkerState = Requests;

    async fn instantiate(&self) -> wasmtime::Result<Instance<InstanceState, Expiry, Requests>> {
        let mut store = Store::new(&self.engine, InstanceState::new(Arc::clone(&self.platform), &self.bounds));
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(TAKEN_OVER);
        store.set_epoch_deadline(1);
        let busy = Arc::clone(&store.data().busy);
        let most = store.data().most;
        store.epoch_deadline_callback(move |_| {
            Ok(if busy.fetch_add(1, Ordering::Relaxed) >= most {
                UpdateDeadline::Interrupt
            } else {
                UpdateDeadline::Yield(1)
            })
        });
        let proxy = self.component.instantiate_async(&mut store).await?;
        store.data().busy.store(0, Ordering::Relaxed);
        let tasks = store.data().tasks.clone();
        Ok(Instance {
            store,
            proxy,
            view: |state| state.http(),
            expiration: Expiry { limit: self.bounds.request, alarm: None },
            state: Requests { tasks, bounds: self.bounds, platform: Arc::clone(&self.platform) },
        })
    }
}

/// As many epochs as are in this time.
fn epochs(time: Duration) -> u32 {
    u32::try_from(time.as_millis().div_ceil(EPOCH.as_millis().max(1))).unwrap_or(u32::MAX)
}

/// The requests of one instance.
pub(super) struct Requests {
    tasks: Tasks,
    bounds: Bounds,
    platform: Arc<Platform>,
}

/// Ends the attribution of a task when the request has its answer, or has none in time.
struct Attributed(Tasks, GuestTaskId);

impl Drop for Attributed {
    fn drop(&mut self) {
        self.0.end(self.1);
    }
}

impl WorkerState for Requests {
    type StoreData = InstanceState;
    type RequestData = Arc<RequestFacts>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.bounds.reuse {
            ShouldAccept::Never
        } else if concurrent >= self.bounds.concurrency {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        store: StoreContextMut<'_, InstanceState>,
        facts: Arc<RequestFacts>,
        task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        let end = facts.context().deadline;
        let mut tasks = self.tasks.lock();
        if tasks.is_empty() {
            store.data().busy.store(0, Ordering::Relaxed);
        }
        tasks.insert(task, facts);
        drop(tasks);
        let attributed = Attributed(self.tasks.clone(), task);
        Box::pin(sleep_until(end.into()).map(move |()| drop(attributed)))
    }

    fn drop(&self, store: Store<InstanceState>, result: Result<(), wasmtime::Error>) {
        // The runtime that ends drops what is running.
        if let Err(error) = result
            && !self.platform.ending.load(Ordering::Acquire)
        {
            self.platform.metrics.component_died();
            tracing::error!(error = format!("{error:#}"), "an instance of the component died");
        }
        drop(store);
    }
}

/// When an instance ends whatever it is doing.
pub(super) struct Expiry {
    limit: Duration,
    /// Rings at the time that is looked at next, or before: it is not set anew for each request.
    alarm: Option<Pin<Box<Sleep>>>,
}

impl WorkerExpiration for Expiry {
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => IDLE,
            // The request's own limit is told to its caller; this one is for those who do not let it be noticed.
            WorkerStatus::Requests => self.limit.saturating_add(Duration::from_secs(1)),
            WorkerStatus::PostReturn => AFTERWARDS,
        };
        let until = (start + limit).into();
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if alarm.deadline() > until {
            alarm.as_mut().reset(until);
        }
        while alarm.as_mut().poll(context).is_ready() {
            if alarm.deadline() >= until {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(until);
        }
        Poll::Pending
    }
}

/// A body as WASI wants it.
pub(super) fn body(bytes: Bytes) -> WasiBody {
    use http_body_util::BodyExt as _;
    http_body_util::Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}
