//! A private certificate authority for the development issuer over HTTPS, and for emulated servers.

use std::{sync::Arc, time::Duration};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs::default_provider,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    },
};

use crate::{
    clock::Timestamp,
    error::{Error, Result},
};

/// Creates a TLS acceptor, and the PEM of the authority that signed its certificate.
///
/// The certificate is for `127.0.0.1` and `localhost` and expires at the given time, or in the year 4096.
pub(crate) fn private_authority(expires_at: Option<Timestamp>) -> Result<(TlsAcceptor, String)> {
    let failed = |error: rcgen::Error| Error::internal("a certificate could not be made").with_source(error);
    let mut authority = CertificateParams::new(Vec::new()).map_err(failed)?;
    authority.distinguished_name.push(DnType::CommonName, "Dezky development authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().map_err(failed)?).map_err(failed)?;

    let key = KeyPair::generate().map_err(failed)?;
    let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
    let mut leaf = CertificateParams::new(names).map_err(failed)?;
    if let Some(expires_at) = expires_at {
        let seconds = u64::try_from(expires_at.seconds()).unwrap_or(0);
        leaf.not_after = date_time_ymd(1970, 1, 1) + Duration::from_secs(seconds);
    }
    let leaf = leaf.signed_by(&key, &authority).map_err(failed)?;

    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let settings = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![leaf.der().clone()], secret))
        .map_err(|error| Error::internal("the development issuer cannot offer TLS").with_source(error))?;
    Ok((TlsAcceptor::from(Arc::new(settings)), authority.pem()))
}
