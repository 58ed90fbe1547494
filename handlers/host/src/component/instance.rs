//! The state of an instance, and the WASI functions that it may use.

use std::{sync::Arc, time::Duration};

use wasmtime::{Engine, Store, UpdateDeadline, component::ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{
    Error as HttpError, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use super::{
    Backing, Bounds,
    computing::epochs,
    facts::{HELD, RequestFacts},
    memory::{Pool, Share},
};

/// Maximum number of WASI resources of an instance: streams, bodies, fields, pollables.
const RESOURCES: usize = 256;

/// Maximum size in bytes of the fields of one head, with the engine's overhead.
const FIELDS: usize = 16 * 1024;

/// Maximum number of handles of an instance: resources, unfinished calls and waits, streams, futures and sets of them.
const HANDLES: usize = 512;

/// Maximum number of the engine's records of calls, waits, streams and tasks: up to four per handle.
const RECORDS: usize = 4 * HANDLES;

/// Maximum number of random bytes of one call.
const RANDOMNESS: u64 = 4_096;

/// The state of an instance.
pub(super) struct InstanceState {
    wasi: WasiCtx,
    http: WasiHttpCtx,
    hooks: NoNetwork,
    table: ResourceTable,
    memory: Share,
    /// The request that it is answering, one at a time.
    request: Option<Arc<RequestFacts>>,
    /// Epochs of computing without a request: while it is created, or sends the body of an answer.
    own: u32,
    pub(super) platform: Arc<Backing>,
}

impl InstanceState {
    /// Returns the request that the component makes calls for.
    pub(super) fn request(&self) -> Option<&Arc<RequestFacts>> {
        self.request.as_ref()
    }

    /// Returns its share of the memory.
    pub(super) fn memory(&self) -> &Share {
        &self.memory
    }

    /// Starts a request, for which the component makes all calls from now on.
    pub(super) fn begin(&mut self, request: Arc<RequestFacts>) {
        request.computing().resume();
        self.request = Some(request);
        self.own = 0;
    }

    /// Ends the request; later calls are for nobody.
    pub(super) fn end(&mut self) {
        self.request = None;
    }

    /// Counts an epoch that begins while the component computes.
    fn computes(&mut self) -> u32 {
        match &self.request {
            Some(request) => request.computing().pause(),
            None => {
                self.own = self.own.saturating_add(1);
                self.own
            }
        }
    }
}

/// Creates a bounded store for an instance, which cannot exceed the bounds however long it computes.
pub(super) fn store(
    engine: &Engine,
    platform: Arc<Backing>,
    bounds: &Bounds,
    pool: &Arc<Pool>,
) -> Store<InstanceState> {
    let mut wasi = WasiCtx::builder();
    wasi.max_random_size(RANDOMNESS);
    wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false).wall_clock(HostClock(Arc::clone(&platform)));
    let mut table = ResourceTable::new();
    table.set_max_capacity(RESOURCES);
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(FIELDS);
    let state = InstanceState {
        wasi: wasi.build(),
        http,
        hooks: NoNetwork,
        table,
        memory: Share::of(Arc::clone(pool), bounds),
        request: None,
        own: 0,
        platform,
    };
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.memory);
    store.set_hostcall_fuel(HELD);
    store.set_max_component_handles(HANDLES);
    if let Some(records) = store.concurrent_resource_table() {
        records.set_max_capacity(RECORDS);
    }
    store.set_epoch_deadline(1);
    let most = epochs(bounds.computing);
    store.epoch_deadline_callback(move |mut context| {
        let computed = context.data_mut().computes();
        Ok(if computed > most { UpdateDeadline::Interrupt } else { UpdateDeadline::Yield(1) })
    });
    store
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

/// The clock of the service, so that host and component always agree on the time.
struct HostClock(Arc<Backing>);

impl wasmtime_wasi::HostWallClock for HostClock {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.clock.now().milliseconds()).unwrap_or(0))
    }
}

/// A network without any reachable address.
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

    /// The router has to see the host name of a request.
    fn is_forbidden_header(&mut self, name: &http::HeaderName) -> bool {
        super::is_hop_by_hop(name)
    }
}
