//! Tests of fetching key sets: TLS, discovery, redirects and settings.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use dezky::{
    ErrorKind,
    authn::{
        IssuerSettings, JwksSource,
        keys::{FetchErrorKind, HttpKeySource, KeySet, KeySource, extra_ca_certificates},
        token::KeyFamily,
    },
    test_kit::{Behaviour, DevelopmentIssuer, DevelopmentIssuerOptions},
};

async fn issuer(https: bool) -> DevelopmentIssuer {
    let options = DevelopmentIssuerOptions { https, family: KeyFamily::P256, ..Default::default() };
    DevelopmentIssuer::start_with(options).await.unwrap()
}

#[tokio::test]
async fn a_private_authority_counts_once_it_is_added() {
    let issuer = issuer(true).await;
    let settings = issuer.settings("default");
    let stranger = HttpKeySource::new(None).unwrap();
    assert_eq!(stranger.fetch(&settings).await.unwrap_err().kind, FetchErrorKind::Unreachable);
    assert_eq!(issuer.jwks_fetches(), 0);
    let friend = HttpKeySource::new(issuer.ca_pem().map(str::as_bytes)).unwrap();
    assert!(KeySet::from_json(&friend.fetch(&settings).await.unwrap()).is_ok());
}

#[tokio::test]
async fn an_added_authority_vouches_for_its_own_certificates_only() {
    let (first, second) = (issuer(true).await, issuer(true).await);
    let source = HttpKeySource::new(first.ca_pem().map(str::as_bytes)).unwrap();
    assert!(source.fetch(&first.settings("first")).await.is_ok());
    assert!(source.fetch(&second.settings("second")).await.is_err());
}

#[tokio::test]
async fn the_provider_must_call_itself_as_configured() {
    let issuer = issuer(false).await;
    let source = HttpKeySource::new(None).unwrap();
    let mut settings = issuer.settings("default");
    issuer.announce_issuer(Some(issuer.url().trim_end_matches('/').to_owned()));
    let error = source.fetch(&settings).await.unwrap_err();
    assert_eq!(error.kind, FetchErrorKind::Mismatch);
    assert!(error.message.contains("trailing slash"), "{error}");
    settings.urls.push(issuer.url().trim_end_matches('/').to_owned());
    assert!(source.fetch(&settings).await.is_ok());
}

#[tokio::test]
async fn a_provider_that_never_answers_is_given_up() {
    let issuer = issuer(false).await;
    issuer.hold(true);
    let source = HttpKeySource::new(None).unwrap().with_timeout(Duration::from_millis(50));
    assert_eq!(source.fetch(&issuer.settings("default")).await.unwrap_err().kind, FetchErrorKind::Unreachable);
}

#[tokio::test]
async fn redirects_do_not_leave_the_origin() {
    let (issuer, other) = (issuer(false).await, issuer(false).await);
    issuer.behave(Behaviour::Redirect(other.jwks_url().to_owned()));
    let source = HttpKeySource::new(None).unwrap();
    let error = source.fetch(&issuer.settings("default")).await.unwrap_err();
    assert!(error.message.contains("302"), "{error}");
    assert_eq!(other.jwks_fetches(), 0);
    // A redirect loop within the origin ends, too.
    issuer.behave(Behaviour::Redirect(issuer.jwks_url().to_owned()));
    assert!(source.fetch(&issuer.settings("default")).await.is_err());
    assert!(issuer.jwks_fetches() < 10);
}

#[test]
fn added_certificates_come_from_the_first_variable_that_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    let shown = path.to_str().unwrap().to_owned();
    let lookup = |wanted: &'static str| {
        let shown = shown.clone();
        move |name: &str| (name == wanted).then(|| shown.clone())
    };
    assert_eq!(extra_ca_certificates(|_| None).unwrap(), None);
    let error = extra_ca_certificates(lookup("DEZKY_EXTRA_CA_CERTS")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("DEZKY_EXTRA_CA_CERTS"));
    std::fs::write(&path, "no certificate").unwrap();
    let error = extra_ca_certificates(lookup("NODE_EXTRA_CA_CERTS")).unwrap_err();
    assert!(error.message().contains("NODE_EXTRA_CA_CERTS") && error.message().contains("PEM"));
}

#[test]
fn wrong_settings_are_named() {
    let good = IssuerSettings::new("default", "https://auth.example.eu/application/o/dezky/", "dezky");
    assert!(IssuerSettings::validate_all(std::slice::from_ref(&good)).is_ok());
    let message = |change: &dyn Fn(&mut IssuerSettings)| {
        let mut settings = good.clone();
        change(&mut settings);
        let error = settings.validate().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.message().to_owned()
    };
    assert!(message(&|settings| settings.id = "Default".to_owned()).contains("`id`"));
    assert!(message(&|settings| settings.urls.clear()).contains("`urls` (`DEZKY_OIDC_ISSUER`)"));
    assert!(message(&|settings| settings.urls = vec!["http://auth.example.eu/".to_owned()]).contains("https://"));
    assert!(message(&|settings| settings.urls = vec!["auth".to_owned()]).contains("not a URL"));
    assert!(message(&|settings| settings.audiences.clear()).contains("`audiences` (`DEZKY_OIDC_AUDIENCE`)"));
    assert!(message(&|settings| settings.jwks = JwksSource::Uri("ftp://x/".to_owned())).contains("`jwks`"));
    assert!(message(&|settings| settings.tenant = Some(String::new())).contains("`tenant`"));
    let secret = message(&|settings| settings.urls = vec!["https://me:secret@auth.example.eu/".to_owned()]);
    assert!(!secret.contains("secret"), "{secret}");
    assert!(IssuerSettings::validate_all(&[]).is_err());
    let mut twin = good.clone();
    assert!(IssuerSettings::validate_all(&[good.clone(), twin.clone()]).is_err());
    twin.id = "other".to_owned();
    assert!(IssuerSettings::validate_all(&[good, twin]).unwrap_err().message().contains("`urls`"));
}
