//! Configuration of issuers, the identity providers whose tokens are accepted. No I/O.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{
    groups::{ClaimNames, GroupsAbsent, GroupsClaim},
    life::TokenLife,
};
use crate::{
    domain::Issuer,
    error::{Code, Error, Result},
};

/// An identity provider whose tokens are accepted.
///
/// In `dezky.toml` each is a table of the array `issuers`:
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// #[derive(serde::Deserialize)]
/// struct Settings {
///     issuers: Vec<dezky::authn::IssuerSettings>,
/// }
/// let settings: Settings = serde_json::from_str(
///     r#"{"issuers": [{
///         "id": "default",
///         "urls": ["https://auth.example.eu/application/o/dezky/"],
///         "audiences": ["dezky"]
///     }]}"#,
/// )?;
/// dezky::authn::IssuerSettings::validate_all(&settings.issuers)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// Stable name under which its users are stored, so that host names may change.
    /// Lower-case letters, digits, `-`, `_` and `.`, at most 63 characters.
    pub id: String,
    /// Accepted values of `iss`, compared exactly, trailing slash included. Discovery uses the first one.
    pub urls: Vec<String>,
    /// Accepted values of `aud`. A token must carry at least one.
    pub audiences: Vec<String>,
    /// Location of the signing keys. Default: discovery.
    #[serde(default)]
    pub jwks: JwksSource,
    /// Required shape of access tokens. Default: `authentik`.
    #[serde(default)]
    pub profile: Profile,
    /// Policy for the groups claim. Default: `sync` for the issuer `default`, `ignore` for all others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<GroupsClaim>,
    /// Meaning of a token without that claim. Default: `keep`.
    #[serde(default, alias = "groupsAbsent")]
    pub groups_absent: GroupsAbsent,
    /// Slug of the only tenant that its users see. Default: none, they may be members of any tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Hosts besides its own that may serve its keys, with a port unless it is 443. Default: none.
    #[serde(default, alias = "jwksHosts", skip_serializing_if = "Vec::is_empty")]
    pub jwks_hosts: Vec<String>,
    /// Permission for its host names to resolve to private addresses. Default: no.
    /// An IP address written in the settings is always allowed.
    #[serde(default, alias = "privateAddresses")]
    pub private_addresses: bool,
    /// Maximum lifetime of access tokens, from `iat` to `exp`. Default: 24 hours; at most 7 days.
    #[serde(default, alias = "maxTokenLife")]
    pub max_token_life: TokenLife,
    /// Names of the claims that are read.
    #[serde(default)]
    pub claims: ClaimNames,
}

/// Location of the signing keys of an issuer.
///
/// Written as `"discovery"`, as a URL, or as a JSON Web Key Set in place (a table with `keys`).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum JwksSource {
    /// The `jwks_uri` of `<url>/.well-known/openid-configuration` (OpenID Connect Discovery 1.0, section 4).
    #[default]
    Discovery,
    /// A URL.
    Uri(String),
    /// An inline JSON Web Key Set, as JSON text. It is never refreshed.
    Inline(String),
}

/// Required shape of an issuer's access tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Tokens of Authentik: `uid` and `azp` are required.
    #[default]
    Authentik,
    /// Tokens of RFC 9068: `typ: at+jwt` is required in the header.
    Rfc9068,
    /// No requirements beyond the common ones.
    Any,
}

impl IssuerSettings {
    /// Id of the issuer that `DEZKY_OIDC_ISSUER` and `DEZKY_OIDC_AUDIENCE` define.
    pub const DEFAULT_ID: &'static str = "default";

    /// Creates an issuer with discovery and the default profile.
    pub fn new(id: impl Into<String>, url: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            urls: vec![url.into()],
            audiences: vec![audience.into()],
            jwks: JwksSource::Discovery,
            profile: Profile::default(),
            groups: None,
            groups_absent: GroupsAbsent::default(),
            tenant: None,
            jwks_hosts: Vec::new(),
            private_addresses: false,
            max_token_life: TokenLife::default(),
            claims: ClaimNames::default(),
        }
    }

    /// Returns the longest token lifetime among these issuers.
    #[must_use]
    pub fn longest_token_life(issuers: &[Self]) -> Duration {
        issuers.iter().map(|issuer| issuer.max_token_life).max().unwrap_or_default().duration()
    }

    /// Returns the ids of the issuers that are bound to one tenant, by its slug.
    #[must_use]
    pub fn of_tenants(issuers: &[Self]) -> BTreeMap<String, Vec<String>> {
        let mut bound: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for issuer in issuers {
            if let Some(tenant) = &issuer.tenant {
                bound.entry(tenant.clone()).or_default().push(issuer.id.clone());
            }
        }
        bound
    }

    /// Returns the effective policy for the groups claim.
    ///
    /// An issuer whose groups are read decides who belongs to tenants. Naming the first issuer grants that; any other
    /// issuer needs an explicit setting.
    #[must_use]
    pub fn groups_claim(&self) -> GroupsClaim {
        let first = self.id == Self::DEFAULT_ID;
        self.groups.unwrap_or(if first { GroupsClaim::Sync } else { GroupsClaim::Ignore })
    }

    /// Validates every issuer, and that no two share an id or a URL.
    ///
    /// # Errors
    /// Kind `Configuration` with a message that names the setting. An empty list is an error too, because nobody could
    /// sign in.
    pub fn validate_all(issuers: &[Self]) -> Result<()> {
        if issuers.is_empty() {
            return Err(refuse(
                "`issuers` is empty: set `DEZKY_OIDC_ISSUER` and `DEZKY_OIDC_AUDIENCE`, or add an issuer",
            ));
        }
        for (position, issuer) in issuers.iter().enumerate() {
            issuer.validate()?;
            for other in issuers.iter().take(position) {
                if other.id == issuer.id {
                    return Err(refuse(format!("two issuers have the `id` `{}`: give each its own", issuer.id)));
                }
                if let Some(url) = issuer.urls.iter().find(|url| other.urls.contains(url)) {
                    return Err(refuse(format!(
                        "issuers `{}` and `{}` both have `{url}` in `urls`: leave it with one of them",
                        other.id, issuer.id
                    )));
                }
            }
        }
        Ok(())
    }

    /// Validates this issuer.
    ///
    /// # Errors
    /// Kind `Configuration` with a message that names the setting.
    pub fn validate(&self) -> Result<()> {
        if !is_name(&self.id) {
            return Err(refuse(format!(
                "`id` of issuer `{}` must be 1 to 63 lower-case letters, digits, `-`, `_` or `.`",
                self.id.escape_default()
            )));
        }
        self.validate_parts()
    }

    /// Validates everything but the id.
    fn validate_parts(&self) -> Result<()> {
        if self.urls.is_empty() {
            return Err(self.refuse("urls", "is empty: add the issuer's URL as its tokens carry it in `iss`"));
        }
        for url in &self.urls {
            self.check_url("urls", url)?;
        }
        if self.audiences.is_empty() || self.audiences.iter().any(|audience| audience.trim().is_empty()) {
            return Err(self.refuse(
                "audiences",
                "must name at least one audience, and no empty one: the client id of this platform",
            ));
        }
        if let JwksSource::Uri(uri) = &self.jwks {
            self.check_url("jwks", uri)?;
        }
        for host in &self.jwks_hosts {
            self.check_host(host)?;
        }
        if self.tenant.as_ref().is_some_and(|slug| slug.is_empty() || !is_name(slug)) {
            return Err(self.refuse("tenant", "must be the slug of a tenant"));
        }
        if let Some(fault) = ClaimNames::fault(&self.claims.groups) {
            return Err(self.refuse("claims.groups", fault));
        }
        Ok(())
    }

    /// Returns `true` if it is a tenant's own issuer and not a configured one.
    #[must_use]
    pub fn is_of_tenant(&self) -> bool {
        Issuer::tenant_of(&self.id).is_some()
    }

    /// Returns the settings of a tenant's own issuer in the identity system that this is the issuer of.
    ///
    /// Its tokens look like this issuer's and are judged alike. Its keys are found by discovery, over TLS at its own host,
    /// which may be on a private network only where this issuer's may: nobody has written its URL into the settings.
    ///
    /// # Errors
    /// Kind `Configuration` when its keys may not be fetched from its URL.
    pub fn of_tenant(&self, issuer: &Issuer, slug: &str) -> Result<Self> {
        let settings = Self {
            id: Issuer::name_of(issuer.tenant_id),
            urls: vec![issuer.url.clone()],
            audiences: issuer.audiences.clone(),
            jwks: JwksSource::Discovery,
            groups: Some(self.groups_claim()),
            tenant: Some(slug.to_owned()),
            jwks_hosts: Vec::new(),
            ..self.clone()
        };
        settings.validate_parts()?;
        let url = url::Url::parse(&issuer.url).ok().filter(|url| url.scheme() == "https");
        let Some(url) = url else { return Err(settings.refuse("urls", "must begin with `https://`")) };
        let is_named = matches!(url.host(), Some(url::Host::Domain(_))) && !is_loopback(&url);
        if !is_named && !self.private_addresses {
            return Err(settings.refuse("urls", "must have the name of a public host"));
        }
        Ok(settings)
    }

    fn check_url(&self, setting: &str, text: &str) -> Result<()> {
        let advice = match url::Url::parse(text) {
            Err(_) => "is not a URL",
            Ok(url) if !is_acceptable(&url) => {
                "must begin with `https://` (plain `http://` is for loopback addresses only)"
            }
            Ok(url) if url.scheme() == "http" && !self.urls.first().is_some_and(|own| own.starts_with("http://")) => {
                "must begin with `https://` (plain `http://` is for issuers whose first URL is so)"
            }
            Ok(url) if url.query().is_some() && setting == "urls" => "must not have a query",
            Ok(url) if url.fragment().is_some() => "must not have a fragment",
            Ok(url) if !url.username().is_empty() || url.password().is_some() => "must not hold credentials",
            Ok(_) => return Ok(()),
        };
        // A URL that may contain a password is not repeated.
        let shown = if text.contains('@') { String::new() } else { format!("`{}` ", text.escape_default()) };
        Err(self.refuse(setting, &format!("{shown}{advice}")))
    }

    fn check_host(&self, text: &str) -> Result<()> {
        let part_of_a_url = |letter: char| letter.is_whitespace() || letter.is_control() || "/\\@?#".contains(letter);
        let parsed = url::Url::parse(&format!("https://{text}/")).ok().filter(url::Url::has_host);
        if text.contains(part_of_a_url) || parsed.is_none() {
            let shown = if text.contains('@') { String::new() } else { format!("`{}` ", text.escape_default()) };
            let advice = format!("{shown}is no host: write it as `keys.example.eu` or `keys.example.eu:8443`");
            return Err(self.refuse("jwks_hosts", &advice));
        }
        Ok(())
    }

    fn refuse(&self, setting: &str, advice: &str) -> Error {
        let also = match setting {
            "urls" if self.id == Self::DEFAULT_ID => " (`DEZKY_OIDC_ISSUER`)",
            "audiences" if self.id == Self::DEFAULT_ID => " (`DEZKY_OIDC_AUDIENCE`)",
            _ => "",
        };
        refuse(format!("`{setting}`{also} of issuer `{}`: {advice}", self.id))
    }
}

/// Checks that keys may be fetched from a URL: over TLS, or from this machine.
pub(crate) fn is_acceptable(url: &url::Url) -> bool {
    url.has_host() && (url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url)))
}

/// Checks that a URL names this machine: `localhost` (RFC 6761, section 6.3) or a loopback address.
pub(crate) fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn is_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte))
}

fn refuse(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(Code::INVALID_SETTING, message)
}

impl Serialize for JwksSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Discovery => serializer.serialize_str("discovery"),
            Self::Uri(uri) => serializer.serialize_str(uri),
            Self::Inline(json) => match serde_json::from_str::<serde_json::Value>(json) {
                Ok(set) => set.serialize(serializer),
                Err(error) => Err(serde::ser::Error::custom(error)),
            },
        }
    }
}

impl<'de> Deserialize<'de> for JwksSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = JwksSource;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("`discovery`, a URL, or a table with `keys`")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<JwksSource, E> {
                Ok(if text == "discovery" { JwksSource::Discovery } else { JwksSource::Uri(text.to_owned()) })
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<JwksSource, A::Error> {
                let set = serde_json::Value::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(JwksSource::Inline(set.to_string()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
