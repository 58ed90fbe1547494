//! Where settings come from: flags over environment over file.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use dezky::{Error, ErrorKind, Result};
use toml::{Table, Value};

use super::settings::{self, Setting, nearest};

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag(&'static str),
    /// In the options that a program gave.
    Option(&'static str),
    /// In the environment.
    Variable(&'static str),
    /// In the configuration file.
    File {
        /// The file.
        file: PathBuf,
        /// The path of the key in it.
        key: String,
    },
    /// Nowhere: it is the default.
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

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub text: String,
    /// Where it stands.
    pub origin: Origin,
}

impl Found {
    /// The refusal of this value; `advice` says what is wrong and what to do.
    pub fn refuse(&self, advice: impl fmt::Display) -> Error {
        refuse(format!("{}: {advice}", self.origin))
    }
}

/// A wrong setting.
pub fn refuse(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, "invalid_setting", message.into())
}

/// The configuration file.
#[derive(Debug, Default)]
pub struct File {
    path: PathBuf,
    table: Table,
}

impl File {
    /// Reads the text of a configuration file. Every key must be known.
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

    /// Where a key of this file stands.
    pub fn origin(&self, key: &str) -> Origin {
        Origin::File { file: self.path.clone(), key: key.to_owned() }
    }

    /// The value at a path such as `seed.slug`.
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

/// Everything that can hold a setting.
#[derive(Debug, Default)]
pub struct Sources {
    /// Values of flags by the setting.
    pub flags: Vec<(&'static Setting, String)>,
    /// Values that a program gave, by the setting and by what the program calls it. They win over everything.
    pub options: Vec<(&'static Setting, &'static str, String)>,
    /// The environment: at least what is of concern here.
    pub environment: BTreeMap<String, String>,
    /// The file, if there is one.
    pub file: Option<File>,
}

impl Sources {
    /// Refuses variables that look like settings and are none.
    ///
    /// # Errors
    /// Kind `Configuration`, naming the variable and the nearest known one.
    pub fn check_variables(&self) -> Result<()> {
        let known = || settings::ALL.iter().map(|setting| setting.variable).chain([settings::CONFIG_VARIABLE]);
        for name in self.environment.keys().filter(|name| name.starts_with("DEZKY_")) {
            // What the tests of this repository use is no setting and in nobody's way.
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

    /// A variable that is set and not empty.
    pub fn variable(&self, name: &'static str) -> Option<Found> {
        let text = self.environment.get(name).filter(|text| !text.is_empty())?;
        Some(Found { text: text.clone(), origin: Origin::Variable(name) })
    }

    /// The value of a setting, from the option or the flag, else the variable, else the file.
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
