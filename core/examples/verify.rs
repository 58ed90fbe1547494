//! Verifies tokens for a service that has its own rules.
#![allow(clippy::print_stdout, reason = "what the example shows")]

use std::{path::Path, sync::Arc};

use dezky::{
    COLLECTIONS, ErrorKind, Platform, PlatformOptions, Result, authn::IssuerSettings, store::sqlite::SqliteStore,
};

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let issuer = IssuerSettings::new("default", std::env::var("OIDC_ISSUER")?, std::env::var("OIDC_AUDIENCE")?);
    let platform = open(Path::new("dezky.sqlite"), vec![issuer])?;
    for token in std::env::args().skip(1) {
        println!("{}", bearer(&platform, &token).await?);
    }
    Ok(())
}

fn open(path: &Path, issuers: Vec<IssuerSettings>) -> Result<Platform> {
    // Keys are kept in the store, so that verification works after a restart while the provider is unreachable.
    let store = Arc::new(SqliteStore::open(path, Default::default(), COLLECTIONS)?);
    Platform::open(PlatformOptions::new(store).issuers(issuers))
}

/// Returns the bearer of a token, or the reason why it is refused.
async fn bearer(platform: &Platform, token: &str) -> Result<String> {
    match platform.verify(token).await {
        Ok(verified) => Ok(format!("{} of {}", verified.subject, verified.issuer_id)),
        Err(error) if error.kind() == ErrorKind::Unauthenticated => Ok(format!("nobody: {}", error.code())),
        // The provider is unreachable, and its keys were never fetched: the token is neither valid nor refused.
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use dezky::development_issuer::DevelopmentIssuer;

    use super::*;

    #[tokio::test]
    async fn good_tokens_name_their_bearer_and_others_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let issuer = DevelopmentIssuer::start().await.unwrap();
        let platform = open(&folder.path().join("dezky.sqlite"), vec![issuer.settings("default")]).unwrap();
        let token = issuer.mint(&issuer.claims("anna"));
        assert_eq!(bearer(&platform, &token).await.unwrap(), "anna of default");
        let other = issuer.mint(&issuer.claims("eve"));
        let (head, signature) = (token.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
        let forged = bearer(&platform, &format!("{head}.{signature}")).await.unwrap();
        assert_eq!(forged, "nobody: token_signature");
        assert_eq!(bearer(&platform, "x").await.unwrap(), "nobody: token_malformed");
    }
}
