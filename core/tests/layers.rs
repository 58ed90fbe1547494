//! Dependencies between the folders of this crate point down.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{collections::BTreeSet, fs, path::Path};

/// The folders and files of the crate from the bottom up. Each may use those before it; those of a line are one layer, whose
/// members may use each other.
const LAYERS: &[&[&str]] = &[
    &["plain", "json", "callers"],
    &["error"],
    &["clock", "object_id"],
    &["trace", "context", "text"],
    &["store"],
    &["domain"],
    &["authz", "scim"],
    &["mail"],
    &["outbound"],
    &["connectors"],
    &["authn"],
    &["migration", "service"],
    &["work", "workspace"],
    &["http"],
    &["platform", "development_issuer"],
    &["emulators"],
    &["test_kit"],
];

/// Uses that point up and are no dependency of the code that is built: documentation and tests.
fn is_code(line: &str) -> bool {
    !line.trim_start().starts_with("//")
}

/// Returns the names of the crate's own modules that a source file uses.
fn uses(source: &str) -> BTreeSet<String> {
    // Unit tests at the end of a file may use whatever they test with.
    let code = source.split("#[cfg(test)]").next().unwrap_or_default();
    let code: String = code.lines().filter(|line| is_code(line)).collect::<Vec<_>>().join("\n");
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => {
                found.insert(name(rest));
            }
            Some(list) => {
                let (mut depth, mut start) = (0_usize, true);
                for (position, character) in list.char_indices() {
                    match character {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => start = true,
                        character if start && depth == 0 && !character.is_whitespace() => {
                            found.insert(name(&list[position..]));
                            start = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    found
}

fn name(text: &str) -> String {
    text.chars().take_while(|character| character.is_ascii_lowercase() || *character == '_').collect()
}

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn dependencies_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let layer = |name: &str| LAYERS.iter().position(|layer| layer.contains(&name));
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut upward = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&root).unwrap();
        let own = relative.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        // The conformance suite of stores is a part of the test kit.
        if own == "lib" || relative.starts_with("store/conformance") {
            continue;
        }
        let place = layer(own).unwrap_or_else(|| panic!("`{own}` has no layer: add it to `LAYERS`"));
        for used in uses(&fs::read_to_string(&file).unwrap()) {
            if let Some(other) = layer(&used)
                && (other > place || (other == place && used != own && LAYERS[place].len() == 1))
            {
                upward.push(format!("{} uses `{used}`", relative.display()));
            }
        }
    }
    assert!(upward.is_empty(), "dependencies point down:\n{}", upward.join("\n"));
}
