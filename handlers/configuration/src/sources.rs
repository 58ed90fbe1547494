//! Sources of settings: flags over environment over file.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use dezky::{Code, Error, Result};
use toml::{Table, Value};

use super::settings::{self, Setting, nearest};

/// Origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    Flag(&'static str),
    /// Options passed by a program.
    Option(&'static str),
    /// The environment.
    Variable(&'static str),
    /// The configuration file.
    File {
        /// Path of the file.
        file: PathBuf,
        /// Path of the key within the file.
        key: String,
    },
    /// The default value.
    Default(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => write!(formatter, "the flag `--{flag}`"),
            Self::Option(option) => write!(formatter, "the option `{option}`"),
            Self::Variable(variable) => write!(formatter, "the environment variable `{variable}`"),
            Self::File { file, key } => write!(formatter, "`{key}` in the file `{}`", file.display()),
            Self::Default(variable) => write!(formatter, "the default of `{variable}`"),
        }
    }
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub text: String,
    /// Origin.
    pub origin: Origin,
}

impl Found {
    /// Creates the refusal of this value; `advice` says what is wrong and what to do.
    pub fn refuse(&self, advice: impl fmt::Display) -> Error {
        refuse(format!("{}: {advice}", self.origin))
    }
}

/// Creates the error for an invalid setting.
pub fn refuse(message: impl Into<String>) -> Error {
    Error::new(Code::INVALID_SETTING, message.into())
}

/// A parsed configuration file.
#[derive(Debug, Default)]
pub struct File {
    path: PathBuf,
    table: Table,
}

impl File {
    /// Parses a configuration file. Every key must be known.
    ///
    /// # Errors
    /// Kind `Configuration`, naming the file and the line or the key.
    pub fn parse(path: PathBuf, text: &str) -> Result<Self> {
        let table: Table = toml::from_str(text).map_err(|error: toml::de::Error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let line = before.matches('\n').count().saturating_add(1);
            refuse(format!("the file `{}`, line {line}: {}", path.display(), error.message()))
        })?;
        let file = Self { path, table };
        file.check_keys()?;
        Ok(file)
    }

    fn check_keys(&self) -> Result<()> {
        let paths = || settings::ALL.iter().map(|setting| setting.path).chain([settings::ISSUERS]);
        let section = |name: &str| paths().any(|path| path.split_once('.').is_some_and(|(first, _)| first == name));
        for (key, value) in &self.table {
            let inner: Vec<String> = match value {
                Value::Table(table) if section(key) => table.keys().map(|inner| format!("{key}.{inner}")).collect(),
                _ => vec![key.clone()],
            };
            if let Some(key) = inner.iter().find(|key| !paths().any(|path| path == key.as_str())) {
                let advice = match nearest(key, paths()) {
                    Some(known) => format!("there is no such setting; did you mean `{known}`?"),
                    None => "there is no such setting: remove it".to_owned(),
                };
                return Err(refuse(format!("{}: {advice}", self.origin(key))));
            }
        }
        Ok(())
    }

    /// Returns the origin of a key in this file.
    pub fn origin(&self, key: &str) -> Origin {
        Origin::File { file: self.path.clone(), key: key.to_owned() }
    }

    /// Returns the value at a path such as `seed.slug`.
    pub fn value(&self, path: &str) -> Option<&Value> {
        match path.split_once('.') {
            None => self.table.get(path),
            Some((section, key)) => self.table.get(section)?.as_table()?.get(key),
        }
    }

    fn find(&self, setting: &'static Setting) -> Result<Option<Found>> {
        let Some(value) = self.value(setting.path) else { return Ok(None) };
        let origin = self.origin(setting.path);
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Integer(number) if setting.is_number() => number.to_string(),
            Value::Boolean(switch) if setting.is_switch() => switch.to_string(),
            Value::Array(items) if setting.is_list() && items.iter().all(Value::is_str) => {
                items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
            }
            other => return Err(refuse(format!("{origin}: must be text, not {}", other.type_str()))),
        };
        Ok(Some(Found { text, origin }))
    }
}

/// All sources of settings.
#[derive(Debug, Default)]
pub struct Sources {
    /// Values of flags by setting.
    pub flags: Vec<(&'static Setting, String)>,
    /// Values passed by a program, by setting and with the program's name for it. They override everything.
    pub options: Vec<(&'static Setting, &'static str, String)>,
    /// Environment variables, at least the relevant ones.
    pub environment: BTreeMap<String, String>,
    /// Configuration file, if any.
    pub file: Option<File>,
}

impl Sources {
    /// Refuses unknown variables that look like settings.
    ///
    /// # Errors
    /// Kind `Configuration`, naming the variable and the nearest known one.
    pub fn check_variables(&self) -> Result<()> {
        let known = || settings::ALL.iter().map(|setting| setting.variable).chain([settings::CONFIG_VARIABLE]);
        for name in self.environment.keys().filter(|name| name.starts_with("DEZKY_")) {
            // Variables of this repository's tests are no settings and are ignored.
            if name.starts_with("DEZKY_TEST_") {
                continue;
            }
            if known().any(|variable| variable == name) {
                continue;
            }
            let advice = match nearest(name, known()) {
                Some(known) => format!("there is no such setting; did you mean `{known}`?"),
                None => "there is no such setting: remove it".to_owned(),
            };
            return Err(refuse(format!("the environment variable `{}`: {advice}", name.escape_debug())));
        }
        Ok(())
    }

    /// Returns a variable that is set and not empty.
    pub fn variable(&self, name: &'static str) -> Option<Found> {
        let text = self.environment.get(name).filter(|text| !text.is_empty())?;
        Some(Found { text: text.clone(), origin: Origin::Variable(name) })
    }

    /// Returns the value of a setting from the option or flag, else the variable, else the file.
    ///
    /// # Errors
    /// Kind `Configuration` when it is not text in the file.
    pub fn find(&self, setting: &'static Setting) -> Result<Option<Found>> {
        if let Some((_, option, text)) = self.options.iter().find(|(given, ..)| *given == setting) {
            return Ok(Some(Found { text: text.clone(), origin: Origin::Option(option) }));
        }
        if let Some((_, text)) = self.flags.iter().find(|(given, _)| *given == setting) {
            let origin = Origin::Flag(setting.flag.unwrap_or(setting.path));
            return Ok(Some(Found { text: text.clone(), origin }));
        }
        if let Some(found) = self.variable(setting.variable) {
            return Ok(Some(found));
        }
        self.file.as_ref().map_or(Ok(None), |file| file.find(setting))
    }
}
