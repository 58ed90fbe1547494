//! The native edge: the router, called without a socket.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use axum::{Router, body::Body};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::{Edge, Setup, Stage};
#[cfg(feature = "mongodb")]
use crate::test_kit::mongodb_server;
use crate::{
    error::{Error, Result},
    store::SharedStore,
};

/// Creates empty stores.
#[async_trait]
trait StoreMaker: Send + Sync + std::fmt::Debug {
    async fn make(&self) -> Result<SharedStore>;
}

/// The native router over stores of some backend.
#[derive(Debug)]
pub struct NativeStage {
    stores: Box<dyn StoreMaker>,
}

impl NativeStage {
    /// Creates a stage over embedded stores, in a folder that is deleted with the stage.
    ///
    /// # Errors
    /// When no temporary folder can be created.
    #[cfg(feature = "sqlite")]
    pub fn on_sqlite() -> Result<Self> {
        let folder = tempfile::tempdir()
            .map_err(|error| Error::internal("a temporary folder cannot be made").with_source(error))?;
        Ok(Self { stores: Box::new(SqliteStores { folder, made: AtomicUsize::new(0) }) })
    }
}

#[cfg(feature = "mongodb")]
impl NativeStage {
    /// Creates a stage over separate databases on the shared MongoDB-wire test server.
    ///
    /// They are deleted with the server.
    ///
    /// # Errors
    /// When there is no such server; the message tells how to run the tests.
    pub fn on_mongodb() -> Result<Self> {
        no_server(mongodb_server::shared_uri())?;
        Ok(Self { stores: Box::new(MongodbStores) })
    }
}

#[cfg(feature = "mongodb")]
fn no_server<T>(found: std::io::Result<T>) -> Result<T> {
    found.map_err(|error| Error::new(crate::error::Code::INVALID_SETTING, error.to_string()).with_source(error))
}

#[cfg(feature = "mongodb")]
#[derive(Debug)]
struct MongodbStores;

#[cfg(feature = "mongodb")]
#[async_trait]
impl StoreMaker for MongodbStores {
    async fn make(&self) -> Result<SharedStore> {
        let uri = no_server(mongodb_server::shared_uri())?;
        let options = crate::store::mongodb::MongodbOptions::default();
        Ok(Arc::new(crate::store::mongodb::MongodbStore::open(&uri, options, crate::COLLECTIONS)?))
    }
}

#[cfg(feature = "sqlite")]
#[derive(Debug)]
struct SqliteStores {
    folder: tempfile::TempDir,
    made: AtomicUsize,
}

#[cfg(feature = "sqlite")]
#[async_trait]
impl StoreMaker for SqliteStores {
    async fn make(&self) -> Result<SharedStore> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.path().join(format!("case-{number}.sqlite"));
        let store = crate::store::sqlite::SqliteStore::open(path, Default::default(), crate::COLLECTIONS)?;
        Ok(Arc::new(store))
    }
}

#[async_trait]
impl Stage for NativeStage {
    async fn store(&self) -> Result<SharedStore> {
        self.stores.make().await
    }

    async fn edge(&self, setup: Setup) -> Result<Box<dyn Edge>> {
        Ok(Box::new(NativeEdge { router: setup.platform()?.router() }))
    }
}

#[derive(Debug)]
struct NativeEdge {
    router: Router,
}

#[async_trait]
impl Edge for NativeEdge {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>> {
        let response = match self.router.clone().oneshot(request.map(Body::from)).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(|error| Error::internal("an answer broke off").with_source(error))?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }
}
