//! No code: `Cargo.toml` unifies the features of libraries across the workspace.
