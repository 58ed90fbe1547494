//! The systems behind a tenant, as its people see them.

mod read;
mod request;
mod view;

pub use view::{WorkspaceLink, WorkspaceView};
