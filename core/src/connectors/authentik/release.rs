//! Releases of Authentik and how they differ.

use std::{fmt, str::FromStr};

use serde::Deserialize;

use super::Authentik;
use crate::{
    connectors::{ConnectorError, ConnectorResult},
    context::RequestContext,
    outbound::Request,
};

/// Releases that this client knows, as text.
pub(super) const SUPPORTED: &str = "2025.12 to 2026.x";

/// The first release whose group names are unique in the database.
const OLDEST: (u16, u16) = (2025, 12);

/// The last year whose releases are known.
const NEWEST_YEAR: u16 = 2026;

/// A release: year, month and the whole text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    number: (u16, u16),
    text: String,
}

impl Release {
    /// Returns `true` if providers list their grant types.
    pub(super) fn has_grant_types(&self) -> bool {
        self.number >= (2026, 5)
    }

    /// Returns `true` if the secret of a provider is an object of its own.
    pub(super) fn has_secrets(&self) -> bool {
        self.number >= (2026, 11)
    }

    fn is_supported(&self) -> bool {
        self.number >= OLDEST && self.number.0 <= NEWEST_YEAR
    }
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for Release {
    type Err = ();

    /// Parses a text such as `2026.8.3` or `2026.11.0-rc1`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '+');
        if text.len() > 40 || !text.chars().all(plain) {
            return Err(());
        }
        let mut numbers = text.split(['.', '-', '+']).map(str::parse::<u16>);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(year)), Some(Ok(month))) => Ok(Self { number: (year, month), text: text.to_owned() }),
            _ => Err(()),
        }
    }
}

#[derive(Deserialize)]
struct VersionObject {
    version_current: String,
}

impl Authentik {
    /// Reads the release of the system, which must be a known one.
    pub(super) async fn release(&self, context: &RequestContext) -> ConnectorResult<Release> {
        let request = Request::get("/api/v3/admin/version/");
        let Some(VersionObject { version_current }) = self.read(context, "the version", &request).await? else {
            let why = "Authentik does not tell its version".to_owned();
            return Err(ConnectorError::Incompatible { version: None, why });
        };
        let Ok(release) = version_current.parse::<Release>() else {
            let why = format!("Authentik tells its version in an unknown form: this client knows {SUPPORTED}");
            return Err(ConnectorError::Incompatible { version: None, why });
        };
        if !release.is_supported() {
            let why = format!("Authentik {release} is not a version that this client knows: use {SUPPORTED}");
            return Err(ConnectorError::Incompatible { version: Some(release.text), why });
        }
        Ok(release)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn releases_are_compared_by_number_and_not_by_text() {
        let release = |text: &str| text.parse::<Release>().unwrap();
        for (text, supported, grant_types, secrets) in [
            ("2025.10.4", false, false, false),
            ("2025.12.0", true, false, false),
            ("2025.12.6-1", true, false, false),
            ("2026.2.0", true, false, false),
            ("2026.5.6", true, true, false),
            ("2026.8.3", true, true, false),
            ("2026.11.0-rc1", true, true, true),
            ("2026.12", true, true, true),
            ("2027.2.0", false, true, true),
        ] {
            let release = release(text);
            let found = (release.is_supported(), release.has_grant_types(), release.has_secrets());
            assert_eq!(found, (supported, grant_types, secrets), "{text}");
        }
        for text in ["", "2026", "2026.x", "v2026.8", "2026.8\n", "99999999.8", &"2026.8.".repeat(10)] {
            assert!(text.parse::<Release>().is_err(), "{text:?}");
        }
    }
}
