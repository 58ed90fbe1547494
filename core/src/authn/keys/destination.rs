//! Allowed destinations of key fetches: those in an issuer's settings, and what its responses name within these.

use url::{Host, Origin, Url};

use super::source::{FetchError, FetchErrorKind};
use crate::{
    authn::issuer::{IssuerSettings, JwksSource, is_loopback},
    outbound::AddressRange,
};

/// Transport and address range of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    /// TLS on this machine, or plain HTTP for issuers that are so; never through a proxy.
    Loopback,
    /// TLS at any address.
    Anywhere,
    /// TLS at public addresses.
    Public,
}

/// Decides how an address of an issuer's discovery or keys is reached.
///
/// # Errors
/// Kind `Forbidden` with the required setting when the settings do not allow it.
pub(super) fn route(issuer: &IssuerSettings, url: &Url) -> Result<Route, FetchError> {
    if url.scheme() != "https" {
        let plain = url.scheme() == "http" && is_loopback(url) && is_plain_loopback(issuer);
        return if plain {
            Ok(Route::Loopback)
        } else {
            Err(forbidden(format!(
                "`{}` is not over TLS: its URL must begin with `https://` (plain `http://` is for issuers whose own URL is so, on a loopback address)",
                shown(url)
            )))
        };
    }
    let range = match url.host() {
        Some(Host::Domain(_)) if is_loopback(url) => AddressRange::Loopback,
        Some(Host::Domain(_)) if issuer.private_addresses => return Ok(Route::Anywhere),
        Some(Host::Domain(_)) => return Ok(Route::Public),
        Some(Host::Ipv4(address)) => AddressRange::of(address.into()),
        Some(Host::Ipv6(address)) => AddressRange::of(address.into()),
        None => return Err(forbidden(format!("`{}` names no host", shown(url)))),
    };
    if range.is_public() {
        return Ok(Route::Public);
    }
    if !issuer.private_addresses && !is_configured(issuer, url) {
        return Err(private(issuer, &format!("`{}` has a {range} address", shown(url))));
    }
    Ok(if is_loopback(url) { Route::Loopback } else { Route::Anywhere })
}

/// Checks the `jwks_uri` of a discovery document: on the issuer's own origin, or on a host of its settings.
///
/// # Errors
/// Kind `Forbidden` with the required setting when it is elsewhere.
pub(super) fn check_announced(issuer: &IssuerSettings, url: &Url) -> Result<(), FetchError> {
    let own = origins(issuer).any(|origin| origin == url.origin());
    if own || listed(issuer).any(|listed| is_same_place(&listed, url)) {
        return Ok(());
    }
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let host: String = host.chars().take(260).collect();
    if issuer.is_of_tenant() {
        let host = host.escape_default();
        return Err(forbidden(format!("the provider has its keys on the host `{host}`, which is not the login's own")));
    }
    Err(forbidden(format!(
        "the provider has its keys on the host `{0}`, which is not its own: if that is right, add `{0}` to `jwks_hosts` of issuer `{1}`",
        host.escape_default(),
        issuer.id
    )))
}

/// Error for a fetch into a private network that the settings do not allow.
pub(super) fn private(issuer: &IssuerSettings, what: &str) -> FetchError {
    // A tenant's own issuer is reached as that of its identity system.
    let id = if issuer.is_of_tenant() { IssuerSettings::DEFAULT_ID } else { issuer.id.as_str() };
    let also = if id == IssuerSettings::DEFAULT_ID { " (`DEZKY_OIDC_PRIVATE_ADDRESSES=true`)" } else { "" };
    forbidden(format!(
        "{what}, which is not on the public internet: if the provider is meant to be there, set `private_addresses = true`{also} for \
         issuer `{id}`"
    ))
}

fn forbidden(message: String) -> FetchError {
    FetchError::new(FetchErrorKind::Forbidden, message)
}

/// Returns whether the issuer uses plain HTTP on this machine.
fn is_plain_loopback(issuer: &IssuerSettings) -> bool {
    let own = issuer.urls.first().and_then(|url| Url::parse(url).ok());
    own.is_some_and(|url| url.scheme() == "http" && is_loopback(&url))
}

fn origins(issuer: &IssuerSettings) -> impl Iterator<Item = Origin> {
    issuer.urls.iter().filter_map(|url| Url::parse(url).ok()).map(|url| url.origin())
}

/// Returns the hosts of `jwks_hosts`.
fn listed(issuer: &IssuerSettings) -> impl Iterator<Item = Url> {
    issuer.jwks_hosts.iter().filter_map(|host| Url::parse(&format!("https://{host}/")).ok())
}

/// Returns whether the settings contain exactly this host.
fn is_configured(issuer: &IssuerSettings, url: &Url) -> bool {
    let keys = if let JwksSource::Uri(uri) = &issuer.jwks { Some(uri) } else { None };
    let written = issuer.urls.iter().chain(keys).filter_map(|url| Url::parse(url).ok());
    written.chain(listed(issuer)).any(|written| written.host() == url.host())
}

fn is_same_place(listed: &Url, url: &Url) -> bool {
    listed.host() == url.host() && listed.port_or_known_default() == url.port_or_known_default()
}

/// Removes parts of an address that may be secret.
pub(super) fn shown(url: &Url) -> String {
    let text = format!("{}{}", url.origin().ascii_serialization(), url.path());
    text.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn issuer(url: &str) -> IssuerSettings {
        IssuerSettings::new("default", url, "dezky")
    }

    fn outcome(issuer: &IssuerSettings, url: &str) -> Result<Route, String> {
        route(issuer, &Url::parse(url).unwrap()).map_err(|error| {
            assert_eq!(error.kind, FetchErrorKind::Forbidden);
            error.message.into_owned()
        })
    }

    #[test]
    fn addresses_of_private_networks_are_for_issuers_that_are_configured_so() {
        let mut open = issuer("https://auth.example.eu/");
        open.private_addresses = true;
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "017700000001",
            "localhost",
            "a.localhost",
            "10.0.0.5",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "[::]",
            "[::1]",
            "[::ffff:10.0.0.5]",
            "[::ffff:7f00:1]",
            "[fd00::1]",
            "[fe80::1]",
            "[ff02::1]",
            "[64:ff9b::a00:5]",
        ] {
            let url = format!("https://{host}/keys");
            let refused = outcome(&issuer("https://auth.example.eu/"), &url).unwrap_err();
            assert!(refused.contains("`private_addresses = true` (`DEZKY_OIDC_PRIVATE_ADDRESSES=true`)"), "{refused}");
            assert!(outcome(&open, &url).is_ok(), "{host}");
            // An address in the settings is intended.
            assert!(outcome(&issuer(&url), &url).is_ok(), "{host}");
            let mut listing = issuer("https://auth.example.eu/");
            listing.jwks_hosts = vec![format!("{host}:8443")];
            assert!(outcome(&listing, &url).is_ok(), "{host}");
            listing.jwks_hosts = vec!["keys.example.eu".to_owned()];
            listing.jwks = JwksSource::Uri(url.clone());
            assert!(outcome(&listing, &url).is_ok(), "{host}");
        }
        let literal = issuer("https://10.0.0.5/");
        assert!(outcome(&literal, "https://10.0.0.6/").is_err(), "one address is not its neighbours");
        assert_eq!(outcome(&literal, "https://keys.example.eu/"), Ok(Route::Public), "nor what a name resolves to");
        assert_eq!(outcome(&open, "https://keys.example.eu/"), Ok(Route::Anywhere));
        assert_eq!(outcome(&open, "https://127.0.0.1/"), Ok(Route::Loopback));
    }

    #[test]
    fn plain_http_is_for_issuers_that_are_so_themselves_on_this_machine() {
        let local = issuer("http://127.0.0.1:9000/o/");
        for url in ["http://127.0.0.1:9000/keys", "http://localhost:9001/keys", "http://[::1]/keys"] {
            assert_eq!(outcome(&local, url), Ok(Route::Loopback), "{url}");
            for other in ["https://auth.example.eu/", "https://127.0.0.1/", "https://localhost/"] {
                let mut other = issuer(other);
                other.private_addresses = true;
                other.jwks = JwksSource::Uri(url.to_owned());
                assert!(outcome(&other, url).unwrap_err().contains("not over TLS"), "{url}");
                assert!(other.validate().unwrap_err().message().contains("`jwks`"), "{url}");
            }
        }
        for url in ["http://auth.example.eu/", "http://10.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd"] {
            assert!(outcome(&local, url).is_err(), "{url}");
        }
    }

    #[test]
    fn keys_are_on_the_own_origin_or_on_a_host_of_the_settings() {
        let mut issuer = issuer("https://auth.example.eu/o/dezky/");
        issuer.urls.push("https://login.example.eu:8443/".to_owned());
        issuer.jwks_hosts =
            vec!["Keys.example.eu".to_owned(), "keys.example.eu:444".to_owned(), "[2606:4700::1]".to_owned()];
        assert!(issuer.validate().is_ok());
        let outcome = |url: &str| check_announced(&issuer, &Url::parse(url).unwrap());
        for url in [
            "https://auth.example.eu/keys",
            "https://AUTH.example.eu:443/",
            "https://login.example.eu:8443/keys",
            "https://keys.example.eu/a",
            "https://keys.example.eu:444/a",
            "https://[2606:4700::1]/a",
        ] {
            assert_eq!(outcome(url), Ok(()), "{url}");
        }
        for (url, host) in [
            ("https://auth.example.eu:8443/", "auth.example.eu:8443"),
            ("http://auth.example.eu/", "auth.example.eu"),
            ("https://auth.example.eu@evil.example/", "evil.example"),
            ("https://auth.example.eu.evil.example/", "auth.example.eu.evil.example"),
            ("https://evil.example/#auth.example.eu", "evil.example"),
            ("https://login.example.eu/", "login.example.eu"),
            ("https://keys.example.eu:445/", "keys.example.eu:445"),
            ("https://sub.keys.example.eu/", "sub.keys.example.eu"),
        ] {
            let error = outcome(url).unwrap_err();
            assert_eq!(error.kind, FetchErrorKind::Forbidden);
            assert!(error.message.contains(&format!("add `{host}` to `jwks_hosts` of issuer `default`")), "{error}");
        }
        for wrong in
            ["", "https://keys.example.eu", "keys.example.eu/path", "a b", "me@keys.example.eu", "keys?x", "keys:port"]
        {
            issuer.jwks_hosts = vec![wrong.to_owned()];
            assert!(issuer.validate().unwrap_err().message().contains("`jwks_hosts`"), "{wrong}");
        }
    }
}
