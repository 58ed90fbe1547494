//! The engine: pooling allocator, epochs, and nothing that a component of ours does not need.

use std::{sync::Arc, thread};

use dezky::{Error, Result};
use wasmtime::{Config, Enabled, Engine, EngineWeak, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig};

use super::computing::{EPOCH, Epochs};

/// What instances of all components together may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Room {
    /// Most instances at the same time.
    pub(crate) instances: u32,
    /// Most bytes of memory of one instance.
    pub(crate) memory: usize,
    /// Most bytes of memory of all instances together, beyond the first 2 MiB of each.
    pub(crate) together: usize,
}

impl Default for Room {
    /// 64 instances of 64 MiB each at the most, and of as much beyond their own together. What is not used is address space only.
    fn default() -> Self {
        Self { instances: 64, memory: 64 * 1024 * 1024, together: 64 * 1024 * 1024 }
    }
}

/// Bytes of an instance's memory that stay mapped when it is given back, so that the next one faults in less: more than a request
/// touches. They are written over with what a new instance has there; from Linux 6.7 only those that were written.
const KEPT_MEMORY: usize = 1024 * 1024;

/// Bytes of each of its tables, likewise: all of it.
const KEPT_TABLE: usize = 256 * 1024;

/// Most parts of an instance: the program itself and what adapts its imports.
const CORE_INSTANCES: u32 = 8;

/// Most bytes by which the engine describes a part to its machine code.
const DESCRIPTION: usize = 256 * 1024;

/// An engine whose epochs advance for as long as it lives, and these.
pub(super) fn engine(room: Room) -> Result<(Engine, Epochs)> {
    let engine = Engine::new(&configuration(room)).map_err(|error| broken("the engine cannot start", error))?;
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

/// Each memory has the 4 GiB of address space that an address of 32 bits can name, which is the engine's default: machine code then needs no
/// check of bounds, whatever the limit of memory is.
fn configuration(room: Room) -> Config {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(room.instances)
        .total_core_instances(room.instances.saturating_mul(CORE_INSTANCES))
        .total_memories(room.instances)
        .total_tables(room.instances.saturating_mul(4))
        .total_stacks(room.instances.saturating_mul(2))
        .max_memories_per_component(1)
        .max_tables_per_component(8)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_core_instance_size(DESCRIPTION)
        .max_component_instance_size(DESCRIPTION)
        .max_memory_size(room.memory)
        .linear_memory_keep_resident(KEPT_MEMORY)
        .table_keep_resident(KEPT_TABLE)
        .pagemap_scan(Enabled::Auto)
        .max_unused_warm_slots(16);
    let mut configuration = Config::new();
    configuration
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .wasm_component_model_async(true)
        // Its messages would be kept on the host, as long as the component likes.
        .wasm_component_model_error_context(false)
        // A request runs through much code once: the less of it, the more stays in the processor's caches.
        .cranelift_opt_level(OptLevel::SpeedAndSize)
        .epoch_interruption(true);
    configuration
}

/// A defect of the engine or of a component, with what the engine said.
pub(super) fn broken(what: &'static str, error: wasmtime::Error) -> Error {
    Error::internal(what).with_source(Arc::new(error).to_string())
}
