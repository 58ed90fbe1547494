//! Checks that case files are read completely, without ignored parts.

use dezky::test_kit::cases;
use serde_json::{Value, json};

/// Asserts that a valid file becomes invalid when anything unknown is added.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(count) = cases::check("made-up.json", text) else { return };
    let document: Value = serde_json::from_str(text).expect("it was read as JSON");
    assert_eq!(count, document["cases"].as_array().expect("it has cases").len());
    assert_eq!(cases::check("made-up.json", &document.to_string()), Ok(count));
    for place in places(&document) {
        let mut changed = document.clone();
        changed.pointer_mut(&place).expect("it is there")["nonsense"] = json!(1);
        assert!(cases::check("made-up.json", &changed.to_string()).is_err(), "`{place}` takes what is not known");
    }
}

/// Returns the pointers of objects with a fixed set of members.
fn places(document: &Value) -> Vec<String> {
    let mut places = vec![String::new()];
    for case in elements(document, "/cases") {
        for part in ["/settings", "/given", "/after"] {
            places.push(format!("{case}{part}"));
        }
        places.extend(elements(document, &format!("{case}/settings/issuers")));
        places.extend(elements(document, &format!("{case}/after/audit")));
        for step in elements(document, &format!("{case}/steps")) {
            places.push(format!("{step}/as"));
            places.extend(elements(document, &format!("{step}/rawBody")));
            let form = document.pointer(&format!("{step}/form")).and_then(Value::as_object);
            let escaped = |name: &String| name.replace('~', "~0").replace('/', "~1");
            places.extend(form.into_iter().flatten().map(|(name, _)| format!("{step}/form/{}", escaped(name))));
            places.push(step);
        }
        places.push(case);
    }
    places.retain(|place| document.pointer(place).is_some_and(Value::is_object));
    places
}

/// Returns the pointers of the elements of a list.
fn elements(document: &Value, list: &str) -> Vec<String> {
    let length = document.pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
    (0..length).map(|position| format!("{list}/{position}")).collect()
}
