//! Case files: what is read is read whole.

use dezky::test_kit::cases;
use serde_json::{Value, json};

/// A file that is accepted is refused as soon as it holds anything that is not known.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(count) = cases::check("made-up.json", text) else { return };
    let document: Value = serde_json::from_str(text).expect("it was read as JSON");
    assert_eq!(count, document["cases"].as_array().expect("it has cases").len());
    assert_eq!(cases::check("made-up.json", &document.to_string()), Ok(count));
    let refused = |pointer: String| {
        let mut changed = document.clone();
        changed.pointer_mut(&pointer).expect("it is there")["nonsense"] = json!(1);
        assert!(cases::check("made-up.json", &changed.to_string()).is_err(), "{pointer} takes what is not known");
    };
    refused(String::new());
    for (case, found) in document["cases"].as_array().into_iter().flatten().enumerate() {
        refused(format!("/cases/{case}"));
        for step in 0..found["steps"].as_array().map_or(0, Vec::len) {
            refused(format!("/cases/{case}/steps/{step}"));
        }
    }
}
