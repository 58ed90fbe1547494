//! Compiled components.

use std::path::Path;

use dezky::{Error, ErrorKind, Result};
use wasmtime::{Engine, component::Component};

/// Most bytes of a component.
const COMPONENT: u64 = 64 * 1024 * 1024;

/// The component in a file.
pub(super) fn load(engine: &Engine, path: &Path) -> Result<Component> {
    let bytes = read(path)?;
    Component::new(engine, &bytes).map_err(|error| {
        let message = format!("`{}` is no component that this host can run ({error:#})", path.display());
        Error::new(ErrorKind::Configuration, "invalid_component", message)
    })
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |reason: String| {
        let message = format!("the component `{}` cannot be read ({reason})", path.display());
        Error::new(ErrorKind::Configuration, "invalid_component", message)
    };
    let length = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > COMPONENT {
        return Err(unreadable(format!("it has more than {COMPONENT} bytes")));
    }
    std::fs::read(path).map_err(|error| unreadable(error.to_string()))
}
