//! The table of codes: each stands in it once, is used, and is what other languages and the documents say it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use dezky::{Code, Error, ErrorKind, FieldCode, error::code_pages};
use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files of a folder with one of these extensions, and their texts.
fn texts(folder: &str, extensions: &[&str]) -> Vec<(String, String)> {
    let mut folders = vec![root().join(folder)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| extensions.iter().any(|one| found == *one)) {
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!found.is_empty(), "{folder} has no files");
    found
}

/// The Rust files of everything that makes errors, without its tests and the table itself.
fn sources() -> Vec<(String, String)> {
    let mut found = texts("core/src", &["rs"]);
    for part in ["handlers", "bindings"] {
        for entry in fs::read_dir(root().join(part)).unwrap() {
            let folder = entry.unwrap().path().join("src");
            if folder.is_dir() {
                found.extend(texts(folder.strip_prefix(root()).unwrap().to_str().unwrap(), &["rs"]));
            }
        }
    }
    found.retain(|(name, _)| {
        !name.contains("tests") && !name.contains("test_kit") && !name.starts_with("core/src/error/code")
    });
    let own = |text: String| text.split("#[cfg(test)]\nmod tests {").next().unwrap().to_owned();
    found.into_iter().map(|(name, text)| (name, own(text))).collect()
}

/// The names after each place where `before` stands as a word.
fn names_after<'a>(text: &'a str, before: &str) -> BTreeSet<&'a str> {
    let whole = |at: usize| !text[..at].ends_with(|character: char| character.is_alphanumeric() || character == '_');
    let name = |at: usize| {
        let rest = &text[at + before.len()..];
        rest.split(|character: char| !(character.is_ascii_alphanumeric() || character == '_')).next().unwrap()
    };
    text.match_indices(before).filter(|(at, _)| whole(*at)).map(|(at, _)| name(at)).collect()
}

fn is_declared(code: &str) -> bool {
    FieldCode::from_name(code).is_some()
}

#[test]
fn each_code_is_declared_once_under_the_name_of_its_constant() {
    let table = read("core/src/error/codes.rs");
    let mut seen = BTreeSet::new();
    for (constant, rest) in table.lines().filter_map(|line| line.strip_prefix("    ")?.split_once(" \"")) {
        if !constant.chars().all(|character| character.is_ascii_uppercase() || character == '_') {
            continue;
        }
        let name = rest.split('"').next().unwrap();
        assert_eq!(constant.to_lowercase(), name);
        assert!(seen.insert(name.to_owned()), "`{name}` is declared twice");
    }
    let errors = Code::ALL.iter().map(|code| code.name());
    let declared: BTreeSet<String> =
        errors.chain(FieldCode::ALL.iter().map(|code| code.name())).map(str::to_owned).collect();
    assert_eq!(seen, declared);
    for code in Code::ALL {
        assert_eq!(Code::from_name(code.name()), Some(*code));
    }
    let kinds: BTreeSet<&str> = Code::ALL.iter().map(|code| code.kind().name()).collect();
    assert_eq!(kinds, ErrorKind::ALL.iter().map(|kind| kind.name()).collect(), "each kind has a code");
}

#[test]
fn each_code_is_used() {
    // Asking for a code makes no error of it.
    let sources: String = sources().into_iter().map(|(_, text)| text.replace(".is(Code::", "")).collect();
    let (errors, fields) = (names_after(&sources, "Code::"), names_after(&sources, "FieldCode::"));
    for code in Code::ALL {
        assert!(
            errors.contains(&*code.name().to_uppercase()),
            "no error has the code `{code}`: remove it from the table"
        );
    }
    for code in FieldCode::ALL {
        let name = code.name().to_uppercase();
        // An error about one field names the field with its own code.
        let used = fields.contains(&*name) || Code::from_name(code.name()).is_some();
        assert!(used, "no field has the code `{code}`: remove it from the table");
    }
}

#[test]
fn an_error_has_the_kind_of_its_code() {
    for code in Code::ALL {
        let error = Error::new(*code, "a message");
        assert_eq!((error.code(), error.kind(), error.declared_code()), (code.name(), code.kind(), *code));
        assert!(error.is(*code) && error.retryable() == code.retryable());
    }
    let lasting = Code::ALL.iter().filter(|code| code.kind().retryable() && !code.retryable());
    assert_eq!(lasting.collect::<Vec<_>>(), [&Code::CLOSED, &Code::FORKED]);
}

#[test]
fn the_shared_cases_expect_each_code_with_its_status() {
    let mut expected: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
    let mut fields = BTreeSet::new();
    for (_, text) in texts("core/tests/cases", &["json"]) {
        let file: Value = serde_json::from_str(&text).unwrap();
        for step in file["cases"].as_array().unwrap().iter().flat_map(|case| case["steps"].as_array().unwrap()) {
            let (status, code) = match &step["expect"] {
                Value::String(text) => {
                    let (status, code) = text.split_once(' ').unwrap();
                    (status.parse().unwrap(), code.to_owned())
                }
                Value::Object(expect) if expect.contains_key("code") => {
                    let named = expect.get("errors").and_then(Value::as_object).into_iter().flatten();
                    fields.extend(named.filter_map(|(_, code)| code.as_str().map(str::to_owned)));
                    (expect["status"].as_u64().unwrap(), expect["code"].as_str().unwrap().to_owned())
                }
                _ => continue,
            };
            expected.entry(code).or_default().insert(status);
        }
    }
    assert!(
        expected.len() > 30 && fields.len() > 20,
        "only {} codes and {} of fields were found",
        expected.len(),
        fields.len()
    );
    for (name, statuses) in expected {
        let code = Code::from_name(&name).unwrap_or_else(|| panic!("`{name}` is no code"));
        assert_eq!(statuses, BTreeSet::from([u64::from(code.kind().status())]), "`{name}`");
    }
    for name in fields {
        assert!(is_declared(&name), "`{name}` is no code");
    }
}

#[test]
fn the_packages_and_examples_know_no_other_codes() {
    let mut found = 0;
    for (folder, extension) in
        [("bindings/node/lib", "cjs"), ("bindings/python/python", "py"), ("examples/ops/src", "py")]
    {
        for (file, text) in texts(folder, &[extension]) {
            for before in ["code: \"", "code=\"", "code == \"", "code === \"", "code !== \"", "\"code\":\""] {
                for code in names_after(&text, before).into_iter().filter(|code| code.starts_with(char::is_lowercase)) {
                    assert!(is_declared(code), "{file}: `{code}` is no code");
                    found += 1;
                }
            }
        }
    }
    assert!(found > 5, "only {found} codes were found");
    let forward = read("examples/portal/server/dezky/forward.ts");
    let sets: Vec<&str> = forward.split("new Set([").skip(1).map(|rest| rest.split(']').next().unwrap()).collect();
    assert_eq!(sets.len(), 2);
    for code in sets.iter().flat_map(|set| set.split(',')).map(|text| text.trim().trim_matches('"')) {
        assert!(Code::from_name(code).is_some(), "the portal waits for `{code}`, which is no code");
    }
}

#[test]
fn the_portal_words_codes_that_exist() {
    let sources: String = ["app", "server"]
        .iter()
        .flat_map(|part| texts(&format!("examples/portal/{part}"), &["ts", "vue"]))
        .map(|(_, text)| text)
        .collect();
    let own = |code: &str| sources.contains(&format!("\"{code}\"")) || sources.contains(&format!("problem.{code}."));
    for language in ["en", "de"] {
        let file: Value =
            serde_json::from_str(&read(&format!("examples/portal/i18n/locales/{language}.json"))).unwrap();
        for (name, entry) in file["fieldProblem"].as_object().unwrap() {
            // A code, or a field of which some codes say more.
            let codes: Vec<&String> = entry.as_object().map_or_else(|| vec![name], |codes| codes.keys().collect());
            for code in codes {
                assert!(is_declared(code), "{language}: `fieldProblem.{name}` has `{code}`, which is no code");
            }
        }
        let problems = file["problem"].as_object().unwrap().iter().filter(|(_, entry)| entry.is_object());
        for (code, _) in problems.filter(|(code, _)| code.parse::<u16>().is_err()) {
            assert!(Code::from_name(code).is_some() || own(code), "{language}: `problem.{code}` is no code");
        }
    }
}

#[test]
fn the_documentation_is_what_the_table_says() {
    let path = root().join("docs/errors.md");
    let wanted = format!("{INTRODUCTION}\n{}", code_pages());
    if env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "run `UPDATE_DOCS=1 cargo test --workspace --all-features --locked --test error_codes` to write it anew"
    );
}

const INTRODUCTION: &str = "# Error codes

This page is printed from the table in `core/src/error/codes.rs`; a test holds that both say the same.

Every error has a stable `code`, over HTTP, in the packages for Node and Python, in Rust and from commands. One code has one
meaning, one kind and one HTTP status, so a program needs to look at nothing else. Messages are for people and may change.

- *Kind* is the error class of the packages.
- *Exit code* is that of an operator's command that ends with the error.
- *Retryable* errors may not come back if the same is sent again; `Retry-After` says when, where that is known.
- Over HTTP, errors of status 500 all have the code `internal`: what happened is in the log, under the request id.
- An error about fields names each in `errors`, with a code of its own: one of those under [Fields](#fields), or that of the
  error itself.
";
