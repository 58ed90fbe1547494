//! Serves the HTTP API and additional routes with axum.
//!
//! Settings: `OIDC_ISSUER` and `OIDC_AUDIENCE`, as configured at the identity provider.
#![allow(clippy::print_stdout, reason = "what the example shows")]

use std::{error::Error, path::Path, sync::Arc};

use axum::{Router, routing::get};
use dezky::{COLLECTIONS, Platform, PlatformOptions, authn::IssuerSettings, store::sqlite::SqliteStore};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = IssuerSettings::new("default", std::env::var("OIDC_ISSUER")?, std::env::var("OIDC_AUDIENCE")?);
    let platform = open(Path::new("dezky.sqlite"), vec![issuer])?;
    // Fetches keys now and keeps them fresh; without this, the first request fetches them.
    platform.start();
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("http://{}/openapi.json", listener.local_addr()?);
    axum::serve(listener, routes(&platform)).await?;
    Ok(())
}

fn open(path: &Path, issuers: Vec<IssuerSettings>) -> dezky::Result<Platform> {
    let store = Arc::new(SqliteStore::open(path, Default::default(), COLLECTIONS)?);
    Platform::open(PlatformOptions::new(store).issuers(issuers))
}

fn routes(platform: &Platform) -> Router {
    Router::new().route("/hello", get(async || "hello")).merge(platform.router())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use dezky::development_issuer::DevelopmentIssuer;

    use super::*;

    #[tokio::test]
    async fn both_are_served() {
        let folder = tempfile::tempdir().unwrap();
        let issuer = DevelopmentIssuer::start().await.unwrap();
        let platform = open(&folder.path().join("dezky.sqlite"), vec![issuer.settings("default")]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes(&platform)).await });
        let client = reqwest::Client::new();
        let hello = client.get(format!("http://{address}/hello")).send().await.unwrap();
        assert_eq!(hello.text().await.unwrap(), "hello");
        let token = issuer.mint(&issuer.claims("anna"));
        let profile = client.get(format!("http://{address}/users/me")).bearer_auth(token).send().await.unwrap();
        assert_eq!(profile.status(), 200);
    }
}
