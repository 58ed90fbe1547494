//! Tests that cached artefacts are used only if nobody else can have written them.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use super::stage::{build_hostile, component};
use crate::component::{Compiled, PoolLimits, Writers};

fn load(file: &Path) -> Vec<u8> {
    Compiled::load(file, Writers::Anybody, PoolLimits::default()).unwrap().component.serialize().unwrap()
}

/// Returns the only artefact in a folder.
fn artefact(folder: &Path) -> PathBuf {
    let all: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut artefacts =
        all.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "compiled"));
    let one = artefacts.next().unwrap();
    assert_eq!(artefacts.next(), None);
    one
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_artefact_is_used_only_where_nobody_else_can_have_written_it() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    allow(&inner, 0o755);
    let file = inner.join("dezky.wasm");
    fs::copy(component(), &file).unwrap();
    let genuine = load(&file);
    let kept = artefact(&inner);
    assert_eq!(fs::metadata(&kept).unwrap().mode() & 0o777, 0o600);

    // An attacker would put other code there. Under their own name it shows if it is used.
    let other = fs::read(build_hostile()).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("other.wasm"), other).unwrap();
    let planted = load(&elsewhere.path().join("other.wasm"));
    let code = fs::read(artefact(elsewhere.path())).unwrap();
    assert_ne!(planted, genuine);
    let plant = || {
        let _gone = fs::remove_file(&kept);
        fs::write(&kept, &code).unwrap();
        allow(&kept, 0o600);
    };

    plant();
    assert_eq!(load(&file), planted, "the artefact of this user alone is used");
    for mode in [0o620, 0o602, 0o666] {
        plant();
        allow(&kept, mode);
        assert_eq!(load(&file), genuine, "{mode:o}");
        assert_eq!(load(&file), genuine, "it was made anew");
    }
    for place in [folder.path(), &inner] {
        plant();
        allow(place, 0o777);
        assert_eq!(load(&file), genuine, "{}", place.display());
        allow(place, 0o755);
    }
    plant();
    let aside = inner.join("aside");
    fs::rename(&kept, &aside).unwrap();
    symlink(&aside, &kept).unwrap();
    assert_eq!(load(&file), genuine, "a symbolic link");
    fs::remove_file(&kept).unwrap();
    fs::hard_link(&aside, &kept).unwrap();
    assert_eq!(load(&file), genuine, "a second name");
}

#[test]
fn a_stale_or_broken_artefact_is_made_anew_and_the_old_one_taken_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dezky.wasm");
    fs::copy(component(), &file).unwrap();
    let genuine = load(&file);
    let kept = artefact(folder.path());
    fs::write(&kept, b"no machine code").unwrap();
    assert_eq!(load(&file), genuine);
    assert!(fs::metadata(&kept).unwrap().len() > 1_000);
    let beside = folder.path().join("dezky.wasm.notes.compiled");
    fs::write(&beside, "of somebody else").unwrap();
    fs::copy(build_hostile(), &file).unwrap();
    assert_ne!(load(&file), genuine);
    assert!(!kept.exists(), "what is stale is gone");
    assert!(beside.exists(), "what is not an artefact stays");
    fs::remove_file(beside).unwrap();
    assert_ne!(artefact(folder.path()), kept);
}
