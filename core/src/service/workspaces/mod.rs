//! The systems behind a tenant, as its people see them.

mod confirm;
mod read;
mod request;
mod view;

pub use view::{WorkspaceLink, WorkspaceLogin, WorkspaceView};

use crate::{
    domain::{
        issuer::ISSUERS,
        workspace::{DOMAIN_RECORDS, SYSTEM_STATES},
    },
    store::Collection,
};

/// Collections that the view is made of, for those that follow it.
pub static SHOWN: [&Collection; 3] = [&SYSTEM_STATES, &DOMAIN_RECORDS, &ISSUERS];
