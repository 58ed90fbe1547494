//! Settings of the component that serves the API.

use std::path::PathBuf;

use dezky::Result;

use super::{
    settings,
    sources::{Sources, refuse},
};

/// Isolation of requests within the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// An instance answers one request at a time, and is reused if methods are safe.
    #[default]
    Shared,
    /// Every request gets a fresh instance.
    Request,
}

/// Permitted writers of the component file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writers {
    /// Root and the user of the process only.
    #[default]
    Own,
    /// Anyone, for development.
    Anybody,
}

/// Component that serves the API.
#[derive(Debug, Clone)]
pub struct ComponentSettings {
    /// Component file.
    pub file: PathBuf,
    /// Isolation of requests.
    pub isolation: Isolation,
    /// Permitted writers of the file.
    pub writers: Writers,
}

/// Reads the settings; `None` when the API is served natively.
pub(super) fn read(sources: &Sources) -> Result<Option<ComponentSettings>> {
    let isolation = match sources.find(&settings::ISOLATION)? {
        None => Isolation::default(),
        Some(found) => match found.text.as_str() {
            "shared" => Isolation::Shared,
            "request" => Isolation::Request,
            other => return Err(refuse(format!("{}: `{other}` must be `shared` or `request`", found.origin))),
        },
    };
    let Some(found) = sources.find(&settings::COMPONENT)? else { return Ok(None) };
    if found.text.is_empty() {
        return Err(refuse(format!("{}: must be the path of a component, or left out", found.origin)));
    }
    Ok(Some(ComponentSettings { file: PathBuf::from(found.text), isolation, writers: Writers::default() }))
}
