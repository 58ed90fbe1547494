//! Issuer settings: `[[issuers]]` of the file, and the one that `DEZKY_OIDC_…` defines.

use dezky::{Result, authn::IssuerSettings};
use toml::Value;

use super::{
    settings,
    sources::{Found, Sources, refuse},
};

/// Reads all issuers. The two variables define the issuer `default`.
///
/// Where the file has an issuer of that name, they replace its URLs and audiences and keep its other settings.
pub(super) fn read(sources: &Sources) -> Result<Vec<IssuerSettings>> {
    let mut issuers = from_file(sources)?;
    let issuer = sources.find(&settings::OIDC_ISSUER)?;
    let audience = sources.find(&settings::OIDC_AUDIENCE)?;
    let stored = issuers.iter_mut().find(|stored| stored.id == IssuerSettings::DEFAULT_ID);
    match (stored, &issuer, &audience) {
        (_, None, None) => {}
        (Some(stored), issuer, audience) => {
            if let Some(found) = issuer {
                stored.urls = vec![found.text.clone()];
            }
            if let Some(found) = audience {
                stored.audiences = list(found);
            }
        }
        (None, Some(issuer), Some(audience)) => {
            let mut settings = IssuerSettings::new(IssuerSettings::DEFAULT_ID, &issuer.text, "");
            settings.audiences = list(audience);
            issuers.push(settings);
        }
        (None, Some(issuer), None) => {
            return Err(issuer.refuse("needs `DEZKY_OIDC_AUDIENCE` beside it: the client id of this platform"));
        }
        (None, None, Some(audience)) => {
            return Err(audience.refuse("needs `DEZKY_OIDC_ISSUER` beside it: the issuer's URL"));
        }
    }
    if let Some(found) = sources.find(&settings::OIDC_PRIVATE_ADDRESSES)? {
        let Some(default) = issuers.iter_mut().find(|issuer| issuer.id == IssuerSettings::DEFAULT_ID) else {
            return Err(found.refuse("needs the issuer `default`, of which it is a setting: `DEZKY_OIDC_ISSUER`"));
        };
        default.private_addresses = match found.text.as_str() {
            "true" => true,
            "false" => false,
            other => return Err(found.refuse(format!("`{}` is neither `true` nor `false`", other.escape_debug()))),
        };
    }
    if !issuers.is_empty() {
        IssuerSettings::validate_all(&issuers)
            .map_err(|error| refuse(format!("{}: {}", place(sources, issuer, audience), error.message())))?;
    }
    Ok(issuers)
}

fn list(found: &Found) -> Vec<String> {
    found.text.split(',').map(|audience| audience.trim().to_owned()).collect()
}

/// Returns every place where issuers are set.
fn place(sources: &Sources, issuer: Option<Found>, audience: Option<Found>) -> String {
    let file = sources.file.as_ref().filter(|file| file.value(settings::ISSUERS).is_some());
    let file = file.map(|file| file.origin(settings::ISSUERS));
    let places = file.into_iter().chain(issuer.map(|found| found.origin)).chain(audience.map(|found| found.origin));
    places.map(|origin| origin.to_string()).collect::<Vec<_>>().join(" and ")
}

fn from_file(sources: &Sources) -> Result<Vec<IssuerSettings>> {
    let Some(file) = &sources.file else { return Ok(Vec::new()) };
    let Some(value) = file.value(settings::ISSUERS) else { return Ok(Vec::new()) };
    let Value::Array(tables) = value else {
        return Err(refuse(format!("{}: write each issuer as a table `[[issuers]]`", file.origin(settings::ISSUERS))));
    };
    let read = |(position, table): (usize, &Value)| {
        let origin = file.origin(&format!("{}[{position}]", settings::ISSUERS));
        table.clone().try_into().map_err(|error: toml::de::Error| refuse(format!("{origin}: {}", error.message())))
    };
    tables.iter().enumerate().map(read).collect()
}
