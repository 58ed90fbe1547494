//! Takes the space between the tokens out of `openapi.json`, which is kept for people to read, and served as it is made here: half the bytes.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=openapi.json");
    let folder = env::var("OUT_DIR")?;
    fs::write(Path::new(&folder).join("openapi.json"), compact(&fs::read_to_string("openapi.json")?))?;
    Ok(())
}

/// JSON text without the space between its tokens.
fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let (mut in_text, mut escaped) = (false, false);
    for character in json.chars() {
        if in_text || !character.is_ascii_whitespace() {
            compact.push(character);
        }
        in_text ^= character == '"' && !escaped;
        escaped = in_text && character == '\\' && !escaped;
    }
    compact
}
