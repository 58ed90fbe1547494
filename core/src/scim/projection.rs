//! The attributes that an answer has (RFC 7644 §3.9).

use super::{Resource, Schema, schema::Attribute};

/// The attributes that a client asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Projection {
    /// Only these, besides those that every answer has.
    only: Option<Vec<String>>,
    /// All but these.
    without: Vec<String>,
}

impl Projection {
    /// Reads the parameters `attributes` and `excludedAttributes`, lists with commas.
    #[must_use]
    pub fn read(attributes: Option<&str>, excluded: Option<&str>) -> Self {
        let list = |text: &str| -> Vec<String> {
            let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
            names.take(100).map(|name| without_schema(name).to_ascii_lowercase()).collect()
        };
        Self {
            only: attributes.map(list).filter(|only| !only.is_empty()),
            without: excluded.map(list).unwrap_or_default(),
        }
    }

    /// Returns `true` if the answer has an attribute.
    #[must_use]
    pub fn has(&self, schema: &Schema, name: &str) -> bool {
        schema.attribute(name).is_some_and(|attribute| self.keeps(attribute))
    }

    fn keeps(&self, attribute: &Attribute) -> bool {
        let name = attribute.name.to_ascii_lowercase();
        let names = |one: &String| *one == name || one.strip_prefix(&name).is_some_and(|rest| rest.starts_with('.'));
        let asked = self.only.as_ref().is_none_or(|only| only.iter().any(names));
        attribute.always || (asked && !self.without.contains(&name))
    }

    /// Leaves the other attributes of a resource out.
    pub fn apply(&self, schema: &Schema, resource: &mut Resource) {
        for attribute in schema.all() {
            if !self.keeps(attribute) {
                resource.remove(attribute.name);
                continue;
            }
            let name = attribute.name.to_ascii_lowercase();
            let sub = |sub: &Attribute| format!("{name}.{}", sub.name.to_ascii_lowercase());
            let whole = self.only.as_ref().is_none_or(|only| only.contains(&name)) || attribute.always;
            let gone: Vec<&str> = attribute
                .sub
                .iter()
                .filter(|one| {
                    let path = sub(one);
                    self.without.contains(&path) || !(whole || self.only.iter().flatten().any(|only| *only == path))
                })
                .map(|one| one.name)
                .collect();
            if !gone.is_empty()
                && let Some(value) = resource.get_mut(attribute.name)
            {
                let strip = |value: &mut serde_json::Value| {
                    if let Some(members) = value.as_object_mut() {
                        gone.iter().for_each(|name| drop(members.remove(*name)));
                    }
                };
                match value {
                    serde_json::Value::Array(values) => values.iter_mut().for_each(strip),
                    single => strip(single),
                }
            }
        }
    }
}

/// Returns the name of an attribute without the URI of its schema.
fn without_schema(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, name)| name)
}
