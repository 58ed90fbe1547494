//! Store location.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use dezky::Result;

use super::{
    secrets, settings,
    sources::{Origin, Sources, refuse},
};

/// Location of the store.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// An embedded store in this file.
    Sqlite(PathBuf),
    /// MongoDB at this URI, which may contain a password.
    Mongodb(String),
}

impl fmt::Debug for StoreLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => formatter.debug_tuple("Sqlite").field(path).finish(),
            Self::Mongodb(_) => formatter.debug_tuple("Mongodb").finish_non_exhaustive(),
        }
    }
}

impl StoreLocation {
    /// Reads only the location.
    ///
    /// # Errors
    /// Kind `Configuration` when it is missing or names no store.
    pub fn read(sources: &Sources) -> Result<Self> {
        read(sources).map(|(location, ..)| location)
    }

    /// Returns the location as a setting. It may contain a password.
    #[must_use]
    pub fn setting(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite:{}", path.display()),
            Self::Mongodb(uri) => uri.clone(),
        }
    }

    /// Returns a permanent name of the store: without a password and independent of the working folder.
    #[must_use]
    pub fn identity(&self) -> String {
        match self {
            Self::Sqlite(path) => {
                let path = path.canonicalize().unwrap_or_else(|_| path.clone());
                format!("sqlite:{}", path.display())
            }
            Self::Mongodb(uri) => {
                let (scheme, rest) = uri.split_once("://").unwrap_or(("mongodb", uri));
                let (hosts, path) = rest.split_once('/').unwrap_or((rest, ""));
                let hosts = hosts.rsplit_once('@').map_or(hosts, |(_, hosts)| hosts);
                let database = path.split('?').next().unwrap_or_default();
                format!("{scheme}://{hosts}/{database}")
            }
        }
    }
}

const FORMS: &str = "write `sqlite:PATH`, `mongodb://HOST/DATABASE` or `mongodb+srv://HOST/DATABASE`, or `file:PATH` of a file that has it";

/// Reads the store's location, its origin, and the file that contains it, if any does.
pub(super) fn read(sources: &Sources) -> Result<(StoreLocation, Origin, Option<PathBuf>)> {
    let found = match sources.find(&settings::STORE)? {
        Some(found) => found,
        None => sources.variable(settings::MONGODB_URI).ok_or_else(|| {
            refuse(format!("no store is configured: set `DEZKY_STORE`, or `store` in the configuration file: {FORMS}"))
        })?,
    };
    // Arguments of a process are seen by all users of the machine, and a URI may contain a password.
    let (text, file) = match (found.text.strip_prefix("file:"), &found.origin) {
        (Some(path), _) => (secrets::read(&found, Path::new(path))?, Some(path.into())),
        (None, Origin::File { file, .. }) => (found.text.clone(), Some(file.clone())),
        (None, _) => (found.text.clone(), None),
    };
    let location = match text.split_once(':') {
        Some(("sqlite", path)) => {
            // `sqlite:///srv/dezky.sqlite` is meant as a URL, but `sqlite://dezky.sqlite` would name a host.
            let path = match path.strip_prefix("//") {
                Some(path) if path.starts_with('/') => path,
                Some(_) => return Err(found.refuse("has two slashes after `sqlite:`: write `sqlite:PATH`")),
                None => path,
            };
            if path.is_empty() {
                return Err(found.refuse("names no file: write `sqlite:PATH`"));
            }
            StoreLocation::Sqlite(path.into())
        }
        Some(("mongodb" | "mongodb+srv", rest)) if rest.starts_with("//") => StoreLocation::Mongodb(text.clone()),
        // The value is not repeated, since it may contain a password.
        _ => return Err(found.refuse(format!("is no store: {FORMS}"))),
    };
    Ok((location, found.origin, file))
}
