//! Finds users who can have written a file: by writing to it, or by replacing it.

use std::{
    fmt,
    fs::{self, File, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// Permission bits that let others than the owner write.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// In a folder with this bit, only their owners can rename and remove files.
const STICKY: u32 = 0o1000;

/// Maximum number of symbolic links on the way to a file.
const LINKS: usize = 32;

/// The reason why somebody else can have written a file.
#[derive(Debug)]
pub(super) struct Foreign {
    /// The file, or a folder above it.
    path: PathBuf,
    is_folder: bool,
    reason: Reason,
}

#[derive(Debug, Clone, Copy)]
enum Reason {
    Owner,
    Writable,
}

impl Foreign {
    /// Returns advice on what to change.
    pub(super) fn advice(&self) -> String {
        let path = self.path.display();
        match self.reason {
            Reason::Owner => format!("run `chown` on `{path}` for root or for the user of the server"),
            Reason::Writable => format!("run `chmod go-w '{path}'`"),
        }
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_folder {
            write!(formatter, "the folder `{}` ", self.path.display())?;
        } else {
            formatter.write_str("it ")?;
        }
        formatter.write_str(match self.reason {
            Reason::Owner => "belongs to another user",
            Reason::Writable => "can be written by others",
        })
    }
}

impl From<Foreign> for io::Error {
    fn from(foreign: Foreign) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, foreign.to_string())
    }
}

/// Opens a file, and returns who else can have written it, if anybody.
///
/// The opened file is checked, even if its name changes. Symbolic links are followed, and can each be redirected by
/// anybody who can write to their folder.
pub(super) fn open(path: &Path) -> io::Result<(File, Option<Foreign>)> {
    let mut name = path.to_owned();
    let mut foreign = None;
    for _ in 0..LINKS {
        foreign = foreign.or(folders(&name)?);
        if !fs::symlink_metadata(&name)?.is_symlink() {
            let file = File::open(&name)?;
            let foreign = foreign.or(written(&name, &file.metadata()?)?);
            return Ok((file, foreign));
        }
        name = folder(&name).join(fs::read_link(&name)?);
    }
    Err(io::Error::other("it is behind too many symbolic links"))
}

/// Checks all parent folders: who can write to one can replace its content, unless only owners may (`/tmp`).
pub(super) fn folders(path: &Path) -> io::Result<Option<Foreign>> {
    let user = user()?;
    for folder in fs::canonicalize(folder(path))?.ancestors() {
        let metadata = fs::metadata(folder)?;
        let sticky = metadata.mode() & STICKY != 0 && (metadata.uid() == 0 || metadata.uid() == user);
        if !sticky && let Some(reason) = reason(&metadata, user) {
            return Ok(Some(Foreign { path: folder.to_owned(), is_folder: true, reason }));
        }
    }
    Ok(None)
}

/// Checks if somebody else can have written the file with this metadata.
pub(super) fn written(path: &Path, metadata: &Metadata) -> io::Result<Option<Foreign>> {
    let reason = reason(metadata, user()?);
    Ok(reason.map(|reason| Foreign { path: path.to_owned(), is_folder: false, reason }))
}

fn reason(metadata: &Metadata, user: u32) -> Option<Reason> {
    if metadata.uid() != user && metadata.uid() != 0 {
        return Some(Reason::Owner);
    }
    (metadata.mode() & WRITABLE_BY_OTHERS != 0).then_some(Reason::Writable)
}

/// Returns the user of this process.
fn user() -> io::Result<u32> {
    Ok(fs::metadata("/proc/self")?.uid())
}

/// Returns the folder that contains a name.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
