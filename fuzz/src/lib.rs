//! Invariants for arbitrary input. Each module has a `check`, which panics if one is violated; the binaries in
//! `targets/` call it with input from libFuzzer.

pub mod bounces;
pub mod case_files;
pub mod cursors;
pub mod key_sets;
pub mod patches;
pub mod scim;
pub mod settings;
pub mod tokens;
pub mod webhooks;

/// Splits the input at the first NUL byte.
fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == 0) {
        Some(position) => (&data[..position], &data[position + 1..]),
        None => (data, &[]),
    }
}
