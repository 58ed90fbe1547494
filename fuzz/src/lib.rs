//! What must hold whatever comes in. Each module has one `check`, which panics where something does not hold; the
//! binaries in `targets/` hand it what libFuzzer makes up.

pub mod case_files;
pub mod cursors;
pub mod key_sets;
pub mod patches;
pub mod settings;
pub mod tokens;

/// Splits what comes in at the first NUL byte: what stands before it, and what after.
fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == 0) {
        Some(position) => (&data[..position], &data[position + 1..]),
        None => (data, &[]),
    }
}
