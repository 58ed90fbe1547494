//! The engine: pooling allocator, epochs, and no features that our components do not need.

use std::{sync::Arc, thread};

use dezky::{Error, Result};
use wasmtime::{Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::computing::{EPOCH, Epochs};

/// Memory limits of all instances of a component.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolLimits {
    /// Maximum number of concurrent instances.
    pub(crate) instances: u32,
    /// Maximum memory of one instance in bytes.
    pub(crate) memory: usize,
    /// Maximum memory of all instances together in bytes, not counting the first 2 MiB of each.
    pub(crate) together: usize,
}

impl Default for PoolLimits {
    /// At most 64 instances of 64 MiB each, and 64 MiB together beyond their first 2 MiB. Unused memory is only address
    /// space.
    fn default() -> Self {
        Self { instances: 64, memory: 64 * 1024 * 1024, together: 64 * 1024 * 1024 }
    }
}

/// Bytes of an instance's memory that stay mapped when it is released.
///
/// So the next instance has fewer page faults. It is more than a request touches. They are reset to the initial state,
/// from Linux 6.7 only the pages that were written.
const KEPT_MEMORY: usize = 1024 * 1024;

/// Bytes of each of its tables that stay mapped: all of it.
const KEPT_TABLE: usize = 256 * 1024;

/// Maximum number of core instances in an instance: the program itself and the adapters of its imports.
const CORE_INSTANCES: u32 = 8;

/// Maximum size in bytes of the engine's description of a core instance.
const DESCRIPTION: usize = 256 * 1024;

/// Creates an engine whose epochs advance as long as it lives, and their counter.
pub(super) fn engine(pool_limits: PoolLimits) -> Result<(Engine, Epochs)> {
    let engine = Engine::new(&configuration(pool_limits)).map_err(|error| broken("the engine cannot start", error))?;
    let weak = engine.weak();
    let epochs = Epochs::default();
    let advancing = epochs.clone();
    thread::Builder::new()
        .name("epochs".to_owned())
        .spawn(move || advance(&weak, &advancing))
        .map_err(|error| Error::internal("the thread of the epochs cannot start").with_source(error))?;
    Ok((engine, epochs))
}

fn advance(engine: &EngineWeak, epochs: &Epochs) {
    while let Some(engine) = engine.upgrade() {
        epochs.advance();
        engine.increment_epoch();
        drop(engine);
        thread::sleep(EPOCH);
    }
}

/// Configures the engine.
///
/// Each memory has 4 GiB of address space, the engine's default and all that a 32-bit address can name. Machine code
/// then needs no bounds checks, whatever the memory limit is.
fn configuration(pool_limits: PoolLimits) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(pool_limits.instances)
        .total_core_instances(pool_limits.instances.saturating_mul(CORE_INSTANCES))
        .total_memories(pool_limits.instances)
        .total_tables(pool_limits.instances.saturating_mul(4))
        .total_stacks(pool_limits.instances.saturating_mul(2))
        .max_memories_per_component(1)
        .max_tables_per_component(8)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_core_instance_size(DESCRIPTION)
        .max_component_instance_size(DESCRIPTION)
        .max_memory_size(pool_limits.memory)
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(KEPT_TABLE)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(16);
    let mut configuration = Config::new();
    configuration
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .wasm_component_model_async(true)
        // Its messages would be kept on the host for as long as the component wants.
        .wasm_component_model_error_context(false)
        // A request runs through much code once; smaller code leaves more room in the processor's caches.
        .cranelift_opt_level(OptLevel::SpeedAndSize)
        .epoch_interruption(true);
    configuration
}

/// Creates the error of a bug in the engine or a component, with the engine's message.
pub(super) fn broken(what: &'static str, error: wasmtime::Error) -> Error {
    Error::internal(what).with_source(Arc::new(error).to_string())
}
