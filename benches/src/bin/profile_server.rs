//! The native API on the embedded store, with one tenant and one person, for a load generator.
//!
//! `profile_server FOLDER` keeps its database in FOLDER, and writes `url` and `token` there once it serves. It ends
//! when its standard input does.

use std::{path::PathBuf, sync::Arc, time::Duration};

use dezky::{
    Platform, PlatformOptions,
    clock::{Clock, SystemClock},
    development_issuer::DevelopmentIssuer,
    service::seed::SeedSettings,
    store::{SharedStore, sqlite::SqliteStore},
};
use dezky_benches::{Failure, serve};
use tokio::net::TcpListener;

/// Longer than any run.
const TOKEN_LIFE: Duration = Duration::from_secs(12 * 3_600);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: profile_server FOLDER")?);
    let path = folder.join("dezky.sqlite");
    let store: SharedStore = Arc::new(SqliteStore::open(path, Default::default(), dezky::COLLECTIONS)?);
    let issuer = DevelopmentIssuer::start().await?;
    let platform = Platform::open(PlatformOptions::new(store).issuers(vec![issuer.settings("default")]))?;
    platform.start();
    platform.service().seed(&SeedSettings::default()).await?;
    let api = platform.router();

    let claims = issuer.claims("anna").groups(["dezky"]).person("anna@example.eu", "Anna");
    let token = issuer.mint(&claims.lasting(SystemClock.now(), TOKEN_LIFE));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    std::fs::write(folder.join("token"), token)?;
    std::fs::write(folder.join("url"), format!("http://{}", listener.local_addr()?))?;
    let ended = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    tokio::select! {
        failure = serve(listener, api) => failure,
        _ = ended => Ok(()),
    }
}
