//! Whether the API is served by a component, and how.

use std::path::PathBuf;

use dezky::Result;

use super::{
    settings,
    sources::{Sources, refuse},
};

/// Whether requests share instances of the component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Isolation {
    /// An instance answers one request at a time, and others after it if their methods are safe.
    #[default]
    Shared,
    /// Every request gets a fresh instance.
    Request,
}

/// Who may have written the component that is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Writers {
    /// Root and the user of the process; another one is refused.
    #[default]
    Own,
    /// Anybody: for development.
    Anybody,
}

/// The component that serves the API.
#[derive(Debug, Clone)]
pub struct ComponentSettings {
    /// Its file.
    pub file: PathBuf,
    /// Whether requests share instances.
    pub isolation: Isolation,
    /// Who may have written it.
    pub writers: Writers,
}

/// The settings; none when the API is served natively.
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
