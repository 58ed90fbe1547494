//! Compiled components, kept beside their files.
//!
//! Loading machine code is trusting whoever wrote it. So an artefact counts only if it is a plain file of this process's
//! own user that nobody else may write, in folders of which the same holds; and only for exactly this component and this
//! engine, whose hashes are its name. Artefacts of what the file held before are taken away. A component that others may
//! write is not served either.

use std::{
    collections::hash_map::DefaultHasher,
    fs::{self, File, OpenOptions},
    hash::{Hash as _, Hasher as _},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use dezky::{Code, Error, Result, domain::ObjectId};
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

use super::ownership::{self, Foreign};
use crate::configuration::Writers;

/// Most bytes of a component.
const COMPONENT: u64 = 64 * 1024 * 1024;

/// Most bytes of what it is compiled to.
const ARTEFACT: u64 = 512 * 1024 * 1024;

/// How the name of an artefact ends.
const SUFFIX: &str = ".compiled";

/// The component in a file: compiled before, or now, and then kept for the next time where that can be trusted.
pub(super) fn load(engine: &Engine, path: &Path, writers: Writers) -> Result<Component> {
    let bytes = read(path, writers)?;
    let cached = place(engine, path, &bytes);
    match trusted(&cached) {
        Ok(code) => match revive(engine, &code) {
            Ok(component) => return Ok(component),
            Err(error) => {
                tracing::warn!(file = %cached.display(), %error, "an artefact cannot be used and is made anew")
            }
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => tracing::warn!(file = %cached.display(), %error, "an artefact is not trusted"),
    }
    let code = engine.precompile_component(&bytes).map_err(|error| unfit(path, &error))?;
    match keep(&cached, &code).and_then(|()| forget_others(path, &cached)) {
        Ok(()) => {}
        Err(error) => tracing::warn!(file = %cached.display(), %error, "the compiled component is not kept"),
    }
    revive(engine, &code).map_err(|error| unfit(path, &error))
}

fn unfit(path: &Path, error: &wasmtime::Error) -> Error {
    let message = format!("`{}` is no component that this host can run ({error:#})", path.display());
    Error::new(Code::INVALID_COMPONENT, message)
}

#[allow(unsafe_code, reason = "the code was compiled by this process, or is a file that only its own user can write")]
fn revive(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `deserialize` runs what it is given. It is given what `precompile_component` has just returned, or what
    // `trusted` has read from a file that, with its folder, only the user of this process (or root) can have written.
    unsafe { Component::deserialize(engine, code) }
}

/// Where the artefact of a component is: beside it, named by the hashes of its content and of the engine.
fn place(engine: &Engine, path: &Path, bytes: &[u8]) -> PathBuf {
    let mut content = hex::encode(Sha256::digest(bytes));
    content.truncate(32);
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    env!("CARGO_PKG_VERSION").hash(&mut hasher);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{content}-{:016x}{SUFFIX}", hasher.finish()));
    path.with_file_name(name)
}

/// The content of an artefact that nobody else can have written.
fn trusted(path: &Path) -> io::Result<Vec<u8>> {
    let refused = |reason: &str| io::Error::new(io::ErrorKind::PermissionDenied, reason.to_owned());
    if let Some(foreign) = ownership::folders(path)? {
        return Err(foreign.into());
    }
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(refused("it is a symbolic link"));
    }
    // What is looked at from here on is what was opened, whatever happens to the name.
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if let Some(foreign) = ownership::written(path, &metadata)? {
        return Err(foreign.into());
    }
    if !metadata.is_file() || metadata.nlink() != 1 || metadata.len() > ARTEFACT {
        return Err(refused("it is no plain file of a sensible size"));
    }
    let mut code = Vec::new();
    file.read_to_end(&mut code)?;
    Ok(code)
}

/// Writes an artefact so that it is there as a whole or not at all.
fn keep(path: &Path, code: &[u8]) -> io::Result<()> {
    if let Some(foreign) = ownership::folders(path)? {
        return Err(foreign.into());
    }
    let unfinished = path.with_extension(format!("{}.unfinished", ObjectId::generate()));
    let written = write(&unfinished, code).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // It may not have been made; what matters is told by the first error.
        let _gone = fs::remove_file(&unfinished);
    }
    written
}

/// Takes the artefacts away of what a file held before.
fn forget_others(path: &Path, kept: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in fs::read_dir(ownership::folder(path))? {
        let entry = entry?;
        let other = entry.file_name().to_string_lossy().into_owned();
        if entry.path().file_name() != kept.file_name() && is_artefact_of(&other, &name) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Whether this is the name of an artefact of the component of that name, and of no longer name.
fn is_artefact_of(artefact: &str, component: &str) -> bool {
    let hashes = artefact.strip_prefix(component).and_then(|rest| rest.strip_prefix('.')?.strip_suffix(SUFFIX));
    hashes.and_then(|hashes| hashes.split_once('-')).is_some_and(|(content, engine)| {
        let is_hash = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash(content, 32) && is_hash(engine, 16)
    })
}

fn write(path: &Path, code: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(code)?;
    file.sync_all()
}

/// The component, if nobody else can have written it: it sees what every caller may have.
fn read(path: &Path, writers: Writers) -> Result<Vec<u8>> {
    let refused = |reason: String| {
        let message = format!("the component `{}` cannot be read ({reason})", path.display());
        Error::new(Code::INVALID_COMPONENT, message)
    };
    let unreadable = |error: io::Error| refused(error.to_string());
    let (mut file, foreign) = ownership::open(path).map_err(unreadable)?;
    match (foreign, writers) {
        (None, _) => {}
        (Some(foreign), Writers::Own) => return Err(untrusted(path, &foreign)),
        (Some(foreign), Writers::Anybody) => {
            let advice = foreign.advice();
            tracing::warn!(file = %path.display(), %foreign, advice, "a component that others may write would not be served");
        }
    }
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > COMPONENT {
        return Err(refused(format!("it is no plain file of at most {COMPONENT} bytes")));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn untrusted(path: &Path, foreign: &Foreign) -> Error {
    let message = format!("the component `{}` is not trusted, because {foreign}: {}", path.display(), foreign.advice());
    Error::new(Code::UNTRUSTED_COMPONENT, message)
}

/// Refuses a component that others than root and the user of this process may have written.
///
/// # Errors
/// Kind `Configuration`, with what to change; also when it cannot be read.
pub(super) fn check(path: &Path) -> Result<()> {
    read(path, Writers::Own).map(|_| ())
}
