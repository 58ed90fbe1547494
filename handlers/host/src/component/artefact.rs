//! Compiled components, kept beside their files.
//!
//! Loading machine code is trusting whoever wrote it. So an artefact counts only if it is a plain file of this process's
//! own user that nobody else may write, in folders of which the same holds; and only for exactly this component and this
//! engine, whose hashes are its name. Artefacts of what the file held before are taken away.

use std::{
    collections::hash_map::DefaultHasher,
    fs::{self, File, Metadata, OpenOptions},
    hash::{Hash as _, Hasher as _},
    io::{self, Read as _, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use dezky::{Error, ErrorKind, Result, domain::ObjectId};
use sha2::{Digest as _, Sha256};
use wasmtime::{Engine, component::Component};

/// Most bytes of a component.
const COMPONENT: u64 = 64 * 1024 * 1024;

/// Most bytes of what it is compiled to.
const ARTEFACT: u64 = 512 * 1024 * 1024;

/// Permissions by which others than the owner may write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// In such a folder files are renamed and removed by their owners only.
const STICKY: u32 = 0o1000;

/// How the name of an artefact ends.
const SUFFIX: &str = ".compiled";

/// The component in a file: compiled before, or now, and then kept for the next time where that can be trusted.
pub(super) fn load(engine: &Engine, path: &Path) -> Result<Component> {
    let bytes = read(path)?;
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
    Error::new(ErrorKind::Configuration, "invalid_component", message)
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
    let user = user()?;
    folders(path, user)?;
    if fs::symlink_metadata(path)?.is_symlink() {
        return Err(refused("it is a symbolic link"));
    }
    // What is looked at from here on is what was opened, whatever happens to the name.
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    owned(&metadata, user).map_err(|reason| refused(&format!("it {reason}")))?;
    if !metadata.is_file() || metadata.nlink() != 1 || metadata.len() > ARTEFACT {
        return Err(refused("it is no plain file of a sensible size"));
    }
    let mut code = Vec::new();
    file.read_to_end(&mut code)?;
    Ok(code)
}

/// Every folder above: whoever may write in one can put another one in its place, unless only owners may (`/tmp`).
fn folders(path: &Path, user: u32) -> io::Result<()> {
    for folder in fs::canonicalize(folder(path))?.ancestors() {
        let metadata = fs::metadata(folder)?;
        let sticky = metadata.mode() & STICKY != 0 && (metadata.uid() == 0 || metadata.uid() == user);
        if !sticky && let Err(reason) = owned(&metadata, user) {
            let message = format!("the folder `{}` {reason}", folder.display());
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
    }
    Ok(())
}

fn owned(metadata: &Metadata, user: u32) -> Result<(), &'static str> {
    if metadata.uid() != user && metadata.uid() != 0 {
        return Err("belongs to another user");
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err("can be written by others");
    }
    Ok(())
}

/// The user of this process.
fn user() -> io::Result<u32> {
    Ok(fs::metadata("/proc/self")?.uid())
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Writes an artefact so that it is there as a whole or not at all.
fn keep(path: &Path, code: &[u8]) -> io::Result<()> {
    folders(path, user()?)?;
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
    for entry in fs::read_dir(folder(path))? {
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

fn read(path: &Path) -> Result<Vec<u8>> {
    let unreadable = |reason: String| {
        let message = format!("the component `{}` cannot be read ({reason})", path.display());
        Error::new(ErrorKind::Configuration, "invalid_component", message)
    };
    let length = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if length > COMPONENT {
        return Err(unreadable(format!("it has more than {COMPONENT} bytes")));
    }
    fs::read(path).map_err(|error| unreadable(error.to_string()))
}
