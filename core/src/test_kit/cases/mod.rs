//! The shared cases: one suite of JSON files that every edge is held to. The format is described in
//! `core/tests/cases/README.md`.
//!
//! An edge joins in by implementing [`Stage`] and [`Edge`], and running the [`Suite`], or [`run`] with single files:
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

/// What a case runs on: an edge over a fresh store, with everything that the case has set.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The store, which holds the documents of the case already.
    pub store: SharedStore,
    /// The clock that the case moves.
    pub clock: Arc<ManualClock>,
    /// The issuers whose tokens the case sends.
    pub issuers: Vec<IssuerSettings>,
    /// The settings of the service.
    pub service: ServiceSettings,
}

impl Setup {
    /// The platform that the case is about.
    ///
    /// # Errors
    /// When a setting of an issuer is wrong.
    pub fn platform(self) -> Result<Platform> {
        Platform::open(PlatformOptions::new(self.store).issuers(self.issuers).service(self.service).clock(self.clock))
    }
}

/// Provides what each case runs on.
#[async_trait]
pub trait Stage: Send + Sync + fmt::Debug {
    /// An empty store that no other case uses.
    ///
    /// # Errors
    /// When there can be none.
    async fn store(&self) -> Result<SharedStore>;

    /// The edge over what a case has set up.
    ///
    /// # Errors
    /// When it cannot start.
    async fn edge(&self, setup: Setup) -> Result<Box<dyn Edge>>;
}

/// Something that answers the API's requests.
#[async_trait]
pub trait Edge: Send + Sync + fmt::Debug {
    /// The answer to a request. The URI is a path with its query.
    ///
    /// # Errors
    /// When there is no answer at all: a case fails then.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>>;
}
