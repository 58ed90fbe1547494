//! The cache of compiled components, beside their files.
//!
//! Loading machine code means trusting its author. So a cached artefact is only used if it is a plain file of this
//! process's own user that nobody else can write, in folders with the same property, and only for this exact component
//! and engine, whose hashes form its name. Artefacts of previous versions of the file are removed. A component that
//! others can write is not served either.

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

/// Maximum size of a component in bytes.
const COMPONENT: u64 = 64 * 1024 * 1024;

/// Maximum size of a compiled component in bytes.
const ARTEFACT: u64 = 512 * 1024 * 1024;

/// Suffix of an artefact's name.
const SUFFIX: &str = ".compiled";

/// Loads the component in a file, from the cache or by compiling it. The result is cached if that is safe.
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
    // SAFETY: `deserialize` executes the code that it is given. That is the result of `precompile_component`, or what
    // `trusted` has read from a file that, like its folder, only this process's user (or root) can write to.
    unsafe { Component::deserialize(engine, code) }
}

/// Returns the path of a component's artefact: beside it, named by the hashes of its content and of the engine.
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

/// Reads an artefact that nobody else can have written.
fn trusted(path: &Path) -> io::Result<Vec<u8>> {
    let refused = |reason: &str| io::Error::new(io::ErrorKind::PermissionDenied, reason.to_owned());
    if let Some(foreign) = ownership::folders(path)? {
        return Err(foreign.into());
    }
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(refused("it is a symbolic link"));
    }
    // From here on the opened file is checked, even if its name changes.
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

/// Writes an artefact atomically.
fn keep(path: &Path, code: &[u8]) -> io::Result<()> {
    if let Some(foreign) = ownership::folders(path)? {
        return Err(foreign.into());
    }
    let unfinished = path.with_extension(format!("{}.unfinished", ObjectId::generate()));
    let written = write(&unfinished, code).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // It may not have been created; the first error is the relevant one.
        let _gone = fs::remove_file(&unfinished);
    }
    written
}

/// Removes the artefacts of previous versions of a file.
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

/// Returns `true` if this is an artefact's name of this component, and not of one with a longer name.
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

/// Reads the component if nobody else can have written it, because it sees everything that callers may.
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

/// Refuses a component that anybody but root and the user of this process can have written.
///
/// # Errors
/// Kind `Configuration`, with what to change; also if it cannot be read.
pub(super) fn check(path: &Path) -> Result<()> {
    read(path, Writers::Own).map(|_| ())
}
