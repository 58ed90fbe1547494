//! Extra certificate authorities, which clients trust besides the system's.

use reqwest::Certificate;

use crate::error::{Code, Error, Result};

/// Environment variables with the path of a PEM file of extra CA certificates. The first one set counts.
const CERTIFICATE_VARIABLES: [&str; 2] = ["DEZKY_EXTRA_CA_CERTS", "NODE_EXTRA_CA_CERTS"];

/// Certificate authorities that a client trusts besides the system's. Default: none.
#[derive(Debug, Clone, Default)]
pub struct CertificateAuthorities {
    certificates: Vec<Certificate>,
    /// The same as text, for libraries that read it themselves.
    pem: Vec<u8>,
}

impl CertificateAuthorities {
    /// Reads CA certificates from PEM.
    ///
    /// # Errors
    /// Kind `Configuration` when the text holds no PEM certificates.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        let authorities = |certificates| Self { certificates, pem: pem.to_vec() };
        parse(pem)
            .map(authorities)
            .ok_or_else(|| Error::new(Code::INVALID_SETTING, "the added CA certificates are not PEM"))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Certificate> {
        self.certificates.iter().cloned()
    }

    /// Returns the certificates as PEM; empty if there are none.
    pub(crate) fn pem(&self) -> &[u8] {
        &self.pem
    }
}

fn parse(pem: &[u8]) -> Option<Vec<Certificate>> {
    Certificate::from_pem_bundle(pem).ok().filter(|certificates| !certificates.is_empty())
}

/// Reads the extra CA certificates (PEM) named by `DEZKY_EXTRA_CA_CERTS` or `NODE_EXTRA_CA_CERTS`.
///
/// Returns `None` if neither is set. `variable` looks a variable up.
///
/// # Errors
/// Kind `Configuration` with a message that names the variable, when the file is unreadable or has no certificate.
pub fn extra_ca_certificates(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Vec<u8>>> {
    let found = CERTIFICATE_VARIABLES
        .into_iter()
        .find_map(|name| variable(name).filter(|path| !path.is_empty()).map(|path| (name, path)));
    let Some((name, path)) = found else { return Ok(None) };
    let refuse = |advice: &str| Error::new(Code::INVALID_SETTING, format!("`{name}`: the file `{path}` {advice}"));
    let pem = std::fs::read(&path).map_err(|error| refuse("cannot be read").with_source(error))?;
    parse(&pem).ok_or_else(|| refuse("holds no certificates in PEM"))?;
    Ok(Some(pem))
}
