//! Location of the file: creates its folder, and refuses network file systems.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::store::{StoreError, StoreResult};

/// Types of file systems whose locks or shared memory do not work across the machines that mount them.
///
/// WAL needs both (<https://sqlite.org/wal.html>, "all processes using a database must be on the same host computer").
const NETWORK: &[&str] = &[
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "coda",
    "davfs",
    "fuse.ceph",
    "fuse.ceph-fuse",
    "fuse.davfs",
    "fuse.davfs2",
    "fuse.gcsfuse",
    "fuse.glusterfs",
    "fuse.juicefs",
    "fuse.rclone",
    "fuse.s3fs",
    "fuse.smbnetfs",
    "fuse.sshfs",
    "gfs2",
    "glusterfs",
    "lustre",
    "ncpfs",
    "nfs",
    "nfs4",
    "ocfs2",
    "orangefs",
    "smb2",
    "smb3",
    "smbfs",
];

/// The reason why a location cannot be used.
pub(super) enum LocationError {
    /// A mistake that the operator has to correct.
    Mistake(StoreError),
    /// A transient problem.
    Passing(String),
}

/// Creates the folder (mode 0700) and the file (mode 0600) if missing. Returns the file's absolute path.
pub(super) fn prepare(path: &Path) -> Result<PathBuf, LocationError> {
    let mistake = |detail: String| LocationError::Mistake(StoreError::Configuration { detail });
    let Some(name) = path.file_name() else {
        return Err(mistake(format!("`{}` names no file: give the path of the database file", path.display())));
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    make_folder(folder)?;
    let folder = fs::canonicalize(folder).map_err(|error| location_error(folder, &error))?;
    refuse_network(&folder).map_err(LocationError::Mistake)?;
    let file = folder.join(name);
    match fs::metadata(&file) {
        Ok(metadata) if metadata.is_dir() => {
            Err(mistake(format!("`{}` is a folder: give the path of the database file", path.display())))
        }
        Ok(_) => Ok(file),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_file(&file).map_err(|error| location_error(&file, &error))?;
            Ok(file)
        }
        Err(error) => Err(location_error(&file, &error)),
    }
}

fn make_folder(folder: &Path) -> Result<(), LocationError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| location_error(folder, &error))
}

fn make_file(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    // Not `create_new`: it is fine if another process comes first.
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop)
}

fn location_error(path: &Path, error: &io::Error) -> LocationError {
    match error.kind() {
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            LocationError::Mistake(StoreError::Configuration {
                detail: format!("`{}` cannot hold a database: {error}: give another path", path.display()),
            })
        }
        _ => LocationError::Passing(format!("`{}`: {error}", path.display())),
    }
}

fn refuse_network(folder: &Path) -> StoreResult<()> {
    // Other systems than Linux lack this file, so network file systems cannot be detected there.
    let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") else { return Ok(()) };
    match file_system(&mounts, folder) {
        Some(kind) if NETWORK.contains(&kind) => Err(StoreError::Configuration {
            detail: format!(
                "`{}` lies on a network file system ({kind}), which loses writes of this store: use a local disk",
                folder.display()
            ),
        }),
        _ => Ok(()),
    }
}

/// Returns the type of the file system that has a folder, from `/proc/self/mountinfo` (proc_pid_mountinfo(5)).
fn file_system<'a>(mounts: &'a str, folder: &Path) -> Option<&'a str> {
    let mut best: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let Some((mount, source)) = line.split_once(" - ") else { continue };
        let (Some(point), Some(kind)) = (mount.split(' ').nth(4), source.split(' ').next()) else { continue };
        let point = unescape(point);
        // Of two mounts at one point, the later one covers the earlier.
        if folder.starts_with(&point) && best.is_none_or(|(length, _)| point.len() >= length) {
            best = Some((point.len(), kind));
        }
    }
    best.map(|(_, kind)| kind)
}

/// Decodes spaces, tabs, line ends and backslashes, which are written as three octal digits.
fn unescape(point: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(point.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:25 / /mnt/share rw,relatime shared:2 - nfs4 server:/export rw
31 30 0:26 / /mnt/share/local rw - xfs /dev/vdb rw
32 22 0:27 / /mnt/with\\040space rw - fuse.sshfs host: rw
33 22 0:28 / /covered rw - nfs server:/export rw
34 22 0:29 / /covered rw - tmpfs tmpfs rw
";

    #[test]
    fn the_innermost_and_latest_mount_tells_the_file_system() {
        let kind = |folder: &str| file_system(MOUNTS, Path::new(folder));
        assert_eq!(kind("/var/lib/dezky"), Some("ext4"));
        assert_eq!(kind("/mnt/share/dezky"), Some("nfs4"));
        assert_eq!(kind("/mnt/shared"), Some("ext4"));
        assert_eq!(kind("/mnt/share/local/x"), Some("xfs"));
        assert_eq!(kind("/mnt/with space"), Some("fuse.sshfs"));
        assert_eq!(kind("/covered"), Some("tmpfs"));
        assert_eq!(file_system("", Path::new("/")), None);
    }

    #[test]
    fn network_file_systems_are_listed_in_order() {
        assert!(NETWORK.is_sorted());
        assert!(["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"].iter().all(|kind| NETWORK.contains(kind)));
        assert!(["ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay"].iter().all(|kind| !NETWORK.contains(kind)));
    }
}
