//! The part of OpenAPI 3.0 schemas that Authentik's documents use.

use dezky::clock::Timestamp;
use serde_json::Value;

/// Direction of a message, which decides about `readOnly` and `writeOnly`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Answer,
}

/// Keywords that are checked, and those that say nothing about a value.
const KEYWORDS: &[&str] = &[
    "$ref",
    "additionalProperties",
    "allOf",
    "default",
    "enum",
    "format",
    "items",
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "nullable",
    "pattern",
    "properties",
    "readOnly",
    "required",
    "type",
    "writeOnly",
];

/// Fields that are null without what they show, though older documents forget to say so.
const NULLABLE: &[&str] = &["provider_obj", "policy_obj", "group_obj", "user_obj"];

/// The schemas of a document.
pub(crate) struct Schemas<'a>(pub(crate) &'a Value);

impl<'d> Schemas<'d> {
    /// Follows a reference within the document.
    pub(crate) fn resolved<'a>(&self, value: &'a Value) -> &'a Value
    where
        'd: 'a,
    {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.0.pointer(reference.strip_prefix('#').unwrap()).expect(reference),
            None => value,
        }
    }

    /// Checks a value of a path or a query.
    pub(crate) fn check_text(&self, schema: &Value, text: &str, at: &str, problems: &mut Vec<String>) {
        let schema = self.resolved(schema);
        let schema = if schema["type"] == "array" { self.resolved(&schema["items"]) } else { schema };
        let value = match schema["type"].as_str() {
            Some("integer" | "number" | "boolean") => serde_json::from_str(text).unwrap_or(Value::Null),
            _ => Value::from(text),
        };
        self.check(schema, &value, Direction::Request, at, problems);
    }

    /// Checks a value, and appends what is wrong.
    pub(crate) fn check(
        &self,
        schema: &Value,
        value: &Value,
        direction: Direction,
        at: &str,
        problems: &mut Vec<String>,
    ) {
        let schema = self.resolved(schema);
        for keyword in schema.as_object().unwrap().keys().filter(|keyword| !KEYWORDS.contains(&keyword.as_str())) {
            problems.push(format!("{at}: the keyword {keyword} is not checked"));
        }
        if value.is_null() {
            let field = at.rsplit('.').next().unwrap_or_default();
            let may_be = schema["nullable"] == true || (schema["readOnly"] == true && NULLABLE.contains(&field));
            if !may_be {
                problems.push(format!("{at}: null"));
            }
            return;
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.check(part, value, direction, at, problems);
        }
        if let Some(choices) = schema["enum"].as_array()
            && !choices.contains(value)
        {
            problems.push(format!("{at}: {value} is none of the choices"));
        }
        match schema["type"].as_str() {
            Some("object") => self.check_object(schema, value, direction, at, problems),
            Some("array") => match value.as_array() {
                Some(values) => {
                    let entries = values.iter().enumerate();
                    entries.for_each(|(index, value)| {
                        self.check(&schema["items"], value, direction, &format!("{at}[{index}]"), problems);
                    });
                }
                None => problems.push(format!("{at}: no list")),
            },
            Some("string") => match value.as_str() {
                Some(text) => problems.extend(wrong_text(schema, text).map(|what| format!("{at}: {what}"))),
                None => problems.push(format!("{at}: no text")),
            },
            Some("integer" | "number") => {
                let fits = value.as_i64().is_some_and(|number| {
                    number >= schema["minimum"].as_i64().unwrap_or(i64::MIN)
                        && number <= schema["maximum"].as_i64().unwrap_or(i64::MAX)
                });
                if !fits {
                    problems.push(format!("{at}: no number in range"));
                }
            }
            Some("boolean") if !value.is_boolean() => problems.push(format!("{at}: no boolean")),
            _ => {}
        }
    }

    fn check_object(&self, schema: &Value, value: &Value, direction: Direction, at: &str, problems: &mut Vec<String>) {
        let Some(fields) = value.as_object() else {
            problems.push(format!("{at}: no object"));
            return;
        };
        let known = |name: &str| schema["properties"].get(name);
        for (name, value) in fields {
            match (known(name), schema.get("additionalProperties")) {
                (Some(field), _) => {
                    let hidden = match direction {
                        Direction::Request => "readOnly",
                        Direction::Answer => "writeOnly",
                    };
                    if field[hidden] == true {
                        problems.push(format!("{at}.{name}: {hidden}"));
                    }
                    self.check(field, value, direction, &format!("{at}.{name}"), problems);
                }
                (None, Some(others)) => self.check(others, value, direction, &format!("{at}.{name}"), problems),
                (None, None) => problems.push(format!("{at}.{name}: unknown")),
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let expected = direction == Direction::Answer || known(name).is_none_or(|field| field["readOnly"] != true);
            if expected && !fields.contains_key(name) {
                problems.push(format!("{at}.{name}: missing"));
            }
        }
    }
}

fn wrong_text(schema: &Value, text: &str) -> Option<String> {
    let length = text.chars().count() as u64;
    if length < schema["minLength"].as_u64().unwrap_or(0) || length > schema["maxLength"].as_u64().unwrap_or(u64::MAX) {
        return Some("too short or too long".to_owned());
    }
    let is_uuid = || {
        let groups = text.split('-').map(|group| group.bytes().filter(u8::is_ascii_hexdigit).count());
        groups.eq([8, 4, 4, 4, 12]) && text.len() == 36
    };
    let fits = match schema["format"].as_str() {
        None | Some("double" | "int32" | "int64") => true,
        Some("uuid") => is_uuid(),
        Some("date-time") => text.parse::<Timestamp>().is_ok(),
        Some("email") => text.is_empty() || text.contains('@'),
        Some("uri") => text.is_empty() || url::Url::parse(text).is_ok(),
        Some(other) => return Some(format!("the format {other} is not checked")),
    };
    let plain = |more: &'static str| text.chars().all(|letter| letter.is_alphanumeric() || more.contains(letter));
    let matches = match schema["pattern"].as_str() {
        None => true,
        Some(r"^[-a-zA-Z0-9_]+$") => !text.is_empty() && text.is_ascii() && plain("-_"),
        Some(r"^[\w.@+-]+$") => !text.is_empty() && plain("_.@+-"),
        Some(other) => return Some(format!("the pattern {other} is not checked")),
    };
    (!fits || !matches).then(|| format!("{text:?} has another form"))
}

#[test]
fn a_message_of_another_form_is_noticed() {
    use serde_json::json;
    let document = json!({
        "person": {
            "type": "object",
            "properties": {
                "pk": { "type": "string", "format": "uuid", "readOnly": true },
                "name": { "type": "string", "minLength": 1 },
                "mode": { "allOf": [{ "$ref": "#/mode" }] },
                "ages": { "type": "array", "items": { "type": "integer", "minimum": 0 } },
                "since": { "type": "string", "format": "date-time", "nullable": true },
                "secret": { "type": "string", "writeOnly": true },
                "slug": { "type": "string", "pattern": "^[-a-zA-Z0-9_]+$" },
            },
            "required": ["pk", "name"],
        },
        "mode": { "type": "string", "enum": ["a", "b"] },
    });
    let schemas = Schemas(&document);
    let problems = |value: &Value, direction| {
        let mut problems = Vec::new();
        schemas.check(&document["person"], value, direction, "", &mut problems);
        problems.len()
    };
    let pk = "7d444840-9dc0-41d1-b245-5ffdce74fad2";
    let answer = json!({ "pk": pk, "name": "x", "mode": "a", "ages": [1], "since": null, "slug": "a-b" });
    assert_eq!(problems(&answer, Direction::Answer), 0);
    assert_eq!(problems(&json!({ "name": "x", "secret": "y" }), Direction::Request), 0);
    for (field, value) in [
        ("pk", json!("7d444840")),
        ("pk", json!(7)),
        ("name", json!("")),
        ("name", json!(null)),
        ("mode", json!("c")),
        ("ages", json!([1, -1])),
        ("ages", json!(["1"])),
        ("ages", json!({})),
        ("since", json!("yesterday")),
        ("secret", json!("y")),
        ("slug", json!("a b")),
        ("other", json!(1)),
    ] {
        let mut wrong = answer.clone();
        wrong[field] = value;
        assert!(problems(&wrong, Direction::Answer) > 0, "{wrong}");
    }
    assert_eq!(problems(&json!({ "pk": pk }), Direction::Answer), 1);
    assert_eq!(problems(&json!({}), Direction::Request), 1);
    assert_eq!(problems(&json!({ "name": "x", "pk": pk }), Direction::Request), 1);
}
