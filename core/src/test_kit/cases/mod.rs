//! The shared cases: a suite of JSON files that every edge must pass.
//!
//! The format is described in `core/tests/cases/README.md`.
//!
//! An edge implements [`Stage`] and [`Edge`], and runs the [`Suite`], or single files with [`run`]:
//!
//! ```
//! # use dezky::test_kit::cases::{NativeStage, run};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), String> {
//! let file = r#"{"name": "Example", "cases": [{
//!     "name": "the description of the API is public",
//!     "steps": [{"request": "GET /openapi.json", "expect": 200}]
//! }]}"#;
//! let stage = NativeStage::on_sqlite().map_err(|error| error.to_string())?;
//! assert_eq!(run("example.json", file, &stage).await?, 1);
//! # Ok(())
//! # }
//! ```

mod caller;
mod expectation;
mod format;
mod given;
mod matching;
mod native;
mod runner;
mod stored;
mod suite;
mod symbols;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};

pub use native::NativeStage;
pub use runner::{check, run};
pub use suite::{SUITE, Suite};

use super::ManualClock;
use crate::{
    Platform, PlatformOptions, authn::IssuerSettings, error::Result, service::ServiceSettings, store::SharedStore,
};

/// The environment of a case: an edge over a new store, with the case's settings.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The store, which already has the documents of the case.
    pub store: SharedStore,
    /// The clock that the case controls.
    pub clock: Arc<ManualClock>,
    /// The issuers whose tokens the case sends.
    pub issuers: Vec<IssuerSettings>,
    /// The settings of the service.
    pub service: ServiceSettings,
}

impl Setup {
    /// Opens the platform of the case.
    ///
    /// # Errors
    /// When a setting of an issuer is invalid.
    pub fn platform(self) -> Result<Platform> {
        Platform::open(PlatformOptions::new(self.store).issuers(self.issuers).service(self.service).clock(self.clock))
    }
}

/// Provides the environment of each case.
#[async_trait]
pub trait Stage: Send + Sync + fmt::Debug {
    /// Creates an empty store that no other case uses.
    ///
    /// # Errors
    /// When it cannot be created.
    async fn store(&self) -> Result<SharedStore>;

    /// Starts the edge for the setup of a case.
    ///
    /// # Errors
    /// When it cannot start.
    async fn edge(&self, setup: Setup) -> Result<Box<dyn Edge>>;
}

/// An edge that answers the API's requests.
#[async_trait]
pub trait Edge: Send + Sync + fmt::Debug {
    /// Sends a request, whose URI is a path with its query, and returns the answer.
    ///
    /// # Errors
    /// When there is no answer at all; the case then fails.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>>;
}
