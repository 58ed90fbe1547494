//! No code: `Cargo.toml` says which features of libraries the parts of the workspace share.
