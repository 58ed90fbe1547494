//! Secrets of the configuration in files: reading them, and listing the files for checking who else may.

use std::{
    fs::File,
    io::{Error as IoError, Read as _},
    path::{Path, PathBuf},
};

use dezky::Result;

use super::{StoreLocation, sources::Found};

/// A file that contains a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFile {
    /// Path of the file.
    pub path: PathBuf,
    /// Description of the secret, such as `a password of MongoDB`.
    pub secret: &'static str,
}

/// Maximum size of a file that contains a secret, in bytes.
const LONGEST: u64 = 16 * 1024;

/// Reads a secret from the file that a setting names, without the white space around it.
pub(super) fn read(found: &Found, path: &Path) -> Result<String> {
    let file = path.display();
    let unreadable = |error: IoError| found.refuse(format!("the file `{file}` cannot be read ({error})"));
    let mut text = String::new();
    // A pipe has no size before it is read.
    let mut content = File::open(path).map_err(unreadable)?.take(LONGEST.saturating_add(1));
    content.read_to_string(&mut text).map_err(unreadable)?;
    if content.limit() == 0 {
        return Err(
            found.refuse(format!("the file `{file}` has more than {LONGEST} bytes: name one that has only this"))
        );
    }
    match text.trim() {
        "" => Err(found.refuse(format!("the file `{file}` is empty: write the value into it"))),
        secret => Ok(secret.to_owned()),
    }
}

/// Lists the files that contain secrets of these settings.
pub(super) fn files(
    store: &StoreLocation,
    file: Option<PathBuf>,
    extra_ca: Option<&Found>,
    pem: Option<&[u8]>,
) -> Vec<SecretFile> {
    let mut files = Vec::new();
    if let (StoreLocation::Mongodb(uri), Some(path)) = (store, file)
        && has_password(uri)
    {
        files.push(SecretFile { path, secret: "a password of MongoDB" });
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
