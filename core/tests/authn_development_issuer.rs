//! Tests of the development issuer: what it publishes, and that it keeps its key in the given file.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use dezky::test_kit::{DevelopmentIssuer, DevelopmentIssuerOptions};

#[tokio::test]
async fn keeps_its_key_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys/issuer.der");
    let options = || DevelopmentIssuerOptions { signing_key: Some(path.clone()), ..Default::default() };
    let first = DevelopmentIssuer::start_with(options()).await.unwrap();
    let published = first.jwks();
    drop(first);
    let second = DevelopmentIssuer::start_with(options()).await.unwrap();
    assert_eq!(second.jwks(), published);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test]
async fn refuses_a_file_that_is_no_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("issuer.der");
    std::fs::write(&path, "no key").unwrap();
    let options = DevelopmentIssuerOptions { signing_key: Some(path), ..Default::default() };
    let error = DevelopmentIssuer::start_with(options).await.unwrap_err();
    assert_eq!(error.code(), "invalid_setting");
}
