//! Store location.

use std::{fmt, path::PathBuf};

use dezky::Result;

use super::{
    secrets, settings,
    sources::{Found, Origin, Sources, refuse},
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

const FORMS: &str = "write `sqlite:PATH`, `mongodb://HOST/DATABASE` or `mongodb+srv://HOST/DATABASE`";
const IN_FILE: &str = "or `file:PATH` of a file that has it";

/// Reads the store's location, its origin, and the file that contains it, if any does.
pub(super) fn read(sources: &Sources) -> Result<(StoreLocation, Origin, Option<PathBuf>)> {
    let found = match sources.find(&settings::STORE)? {
        Some(found) => found,
        None => sources.variable(settings::MONGODB_URI).ok_or_else(|| {
            let missing = "no store is configured: set `DEZKY_STORE`, or `store` in the configuration file";
            refuse(format!("{missing}: {FORMS}, {IN_FILE}"))
        })?,
    };
    // Arguments of a process are seen by all users of the machine, and a URI may contain a password.
    let Some(path) = path("file", &found.text, &found)? else {
        let location = parse(&found.text, &found)?;
        let location = location.ok_or_else(|| found.refuse(format!("is no store: {FORMS}, {IN_FILE}")))?;
        let file = match &found.origin {
            Origin::File { file, .. } => Some(file.clone()),
            _ => None,
        };
        return Ok((location, found.origin, file));
    };
    let text = secrets::read(&found, &path)?;
    let location = if text.contains('\n') { None } else { parse(&text, &found)? };
    let wrong = || found.refuse(format!("the file `{}` has no store in its one line: {FORMS}", path.display()));
    Ok((location.ok_or_else(wrong)?, found.origin, Some(path)))
}

/// Parses a location. The text is repeated in no error, since it may contain a password.
fn parse(text: &str, found: &Found) -> Result<Option<StoreLocation>> {
    if let Some(path) = path("sqlite", text, found)? {
        return Ok(Some(StoreLocation::Sqlite(path)));
    }
    let is_mongodb = ["mongodb://", "mongodb+srv://"].iter().any(|scheme| text.starts_with(scheme));
    Ok(is_mongodb.then(|| StoreLocation::Mongodb(text.to_owned())))
}

/// Returns the path after a scheme; `None` for other schemes.
fn path(scheme: &str, text: &str, found: &Found) -> Result<Option<PathBuf>> {
    let Some(path) = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix(':')) else { return Ok(None) };
    // `sqlite:///srv/dezky.sqlite` is meant as a URL, but `sqlite://dezky.sqlite` would name a host.
    let path = match path.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err(found.refuse(format!("has two slashes after `{scheme}:`: write `{scheme}:PATH`"))),
        None => path,
    };
    if path.is_empty() {
        return Err(found.refuse(format!("names no file: write `{scheme}:PATH`")));
    }
    Ok(Some(path.into()))
}
