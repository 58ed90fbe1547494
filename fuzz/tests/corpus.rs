//! Runs the checks on the committed examples and on seeded mutations of them, so that every test run compiles and
//! briefly tries what is fuzzed at length elsewhere.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::{Path, PathBuf};

use dezky_fuzz::{bounces, case_files, cursors, key_sets, patches, scim, settings, tokens, webhooks};

/// Pseudo-random numbers that are the same in every run (xorshift, by Marsaglia).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.below(256)).unwrap()
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Returns the content of all files of a folder, in the order of their names.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().filter(|path| path.is_file()).map(|path| std::fs::read(path).unwrap()).collect()
}

/// Parses libFuzzer's dictionary: words in quotation marks, with bytes as `\xNN`.
fn words(target: &str) -> Vec<Vec<u8>> {
    let text = std::fs::read_to_string(folder("dictionaries").join(target)).unwrap_or_default();
    let quoted = |line: &str| Some(line.strip_suffix('"')?.split_once('"')?.1.to_owned());
    text.lines().filter(|line| !line.starts_with('#')).filter_map(quoted).map(|word| unescaped(&word)).collect()
}

fn unescaped(word: &str) -> Vec<u8> {
    let mut parts = word.split("\\x");
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(part[2..].bytes());
    }
    bytes
}

/// Makes one to four changes: bytes and bits, pieces removed or duplicated, a piece of another example, a word.
fn mutated(examples: &[Vec<u8>], words: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut data = examples[random.below(examples.len())].clone();
    for _ in 0..=random.below(4) {
        let place = random.below(data.len() + 1);
        let end = (place + 1 + random.below(16)).min(data.len());
        match random.below(7) {
            0 if place < data.len() => data[place] ^= 1 << random.below(8),
            1 if place < data.len() => data[place] = random.byte(),
            2 => drop(data.drain(place.min(end)..end)),
            3 => {
                let piece = data[place.min(end)..end].to_vec();
                data.splice(place..place, piece);
            }
            4 => {
                let other = &examples[random.below(examples.len())];
                let start = random.below(other.len() + 1);
                let piece = other[start..(start + random.below(64)).min(other.len())].to_vec();
                data.splice(place..place, piece);
            }
            5 if !words.is_empty() => {
                let word = words[random.below(words.len())].clone();
                data.splice(place..place, word);
            }
            _ => data.truncate(place),
        }
    }
    // The maximum length of fuzzing.
    data.truncate(20_480);
    data
}

/// Prints the failing input, because the check itself does not have all of it.
struct Shown<'a>(&'a str, &'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this does not hold for `{}`: {:?}", self.0, String::from_utf8_lossy(self.1));
        }
    }
}

fn hold(target: &str, check: fn(&[u8]), further: Vec<Vec<u8>>, mutations: usize) {
    let mut examples = files(&folder("corpus").join(target));
    assert!(!examples.is_empty(), "`{target}` has examples");
    examples.extend(further);
    let (words, mut random) = (words(target), Random(0x9e37_79b9_7f4a_7c15));
    let made_up = std::iter::repeat_with(|| mutated(&examples, &words, &mut random)).take(mutations);
    for data in examples.iter().cloned().chain(made_up) {
        let _shown = Shown(target, &data);
        check(&data);
    }
}

#[test]
fn tokens_hold() {
    hold("tokens", tokens::check, Vec::new(), 4_000);
}

#[test]
fn key_sets_hold() {
    hold("key_sets", key_sets::check, Vec::new(), 4_000);
}

#[test]
fn cursors_hold() {
    hold("cursors", cursors::check, Vec::new(), 400);
}

#[test]
fn patches_hold() {
    hold("patches", patches::check, Vec::new(), 8_000);
}

#[test]
fn scim_holds() {
    hold("scim", scim::check, Vec::new(), 8_000);
}

#[test]
fn settings_hold() {
    hold("settings", settings::check, Vec::new(), 4_000);
}

#[test]
fn webhooks_hold() {
    hold("webhooks", webhooks::check, Vec::new(), 4_000);
}

#[test]
fn bounces_hold() {
    hold("bounces", bounces::check, Vec::new(), 4_000);
}

#[test]
fn case_files_hold() {
    // The shared cases are the best examples of case files.
    let cases = files(&folder("../core/tests/cases")).into_iter().filter(|file| file.starts_with(b"{")).collect();
    hold("case_files", case_files::check, cases, 200);
}

#[test]
fn every_target_is_here_and_has_examples() {
    let mut targets: Vec<String> = std::fs::read_dir(folder("targets"))
        .unwrap()
        .filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".rs")?.to_owned()))
        .collect();
    targets.sort();
    assert_eq!(
        targets,
        ["bounces", "case_files", "cursors", "key_sets", "patches", "scim", "settings", "tokens", "webhooks"]
    );
}
