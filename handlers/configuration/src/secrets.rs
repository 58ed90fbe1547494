//! Files that contain secrets of the configuration, for checking who may read them.

use std::path::PathBuf;

use super::{
    StoreLocation,
    sources::{Found, Origin},
};

/// A file that contains a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// Path of the file.
    pub path: PathBuf,
    /// Description of the secret, such as `a password of MongoDB`.
    pub secret: &'static str,
}

/// Lists the files that contain secrets of these settings.
pub(super) fn files(
    store: &StoreLocation,
    origin: &Origin,
    extra_ca: Option<&Found>,
    pem: Option<&[u8]>,
) -> Vec<SecretFile> {
    let mut files = Vec::new();
    if let (StoreLocation::Mongodb(uri), Origin::File { file, .. }) = (store, origin)
        && has_password(uri)
    {
        files.push(SecretFile { path: file.clone(), secret: "a password of MongoDB" });
    }
    // Hand-made bundles sometimes contain a certificate's key.
    if let (Some(found), Some(pem)) = (extra_ca, pem)
        && pem.windows(PRIVATE_KEY.len()).any(|window| window == PRIVATE_KEY)
    {
        files.push(SecretFile { path: found.text.clone().into(), secret: "a private key, which has no use there," });
    }
    files
}

const PRIVATE_KEY: &[u8] = b"PRIVATE KEY-----";

/// Returns whether a URI contains a password: `mongodb://NAME:PASSWORD@HOST/…`, or a query option.
fn has_password(uri: &str) -> bool {
    let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
    let (authority, query) = rest.split_once('?').unwrap_or((rest, ""));
    let authority = authority.split('/').next().unwrap_or_default();
    let named = authority
        .rsplit_once('@')
        .is_some_and(|(user, _)| user.split_once(':').is_some_and(|(_, word)| !word.is_empty()));
    named || query.split('&').any(|option| option.to_ascii_lowercase().starts_with("tlscertificatekeyfilepassword="))
}

#[cfg(test)]
mod tests {
    use super::has_password;

    #[test]
    fn passwords_are_found_where_a_uri_may_say_them() {
        for uri in [
            "mongodb://dezky:secret@db.example/dezky",
            "mongodb+srv://dezky:s%2Fcret@db.example",
            "mongodb://one.example,two.example/dezky?tls=true&tlsCertificateKeyFilePassword=secret",
        ] {
            assert!(has_password(uri), "{uri}");
        }
        for uri in
            ["mongodb://db.example:27017/dezky", "mongodb://dezky@db.example/", "mongodb://dezky:@db.example/a:b@c"]
        {
            assert!(!has_password(uri), "{uri}");
        }
    }
}
