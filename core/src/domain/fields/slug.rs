//! Slugs: the DNS labels of tenants' hosts.

use serde_json::Value;

use crate::{domain::input::Problem, error::FieldCode};

/// Reserved labels, so that no tenant can impersonate the platform.
///
/// They belong to the platform itself, or mail and web clients look them up by convention (RFC 2142 mailboxes,
/// autoconfiguration hosts).
pub const RESERVED: &[&str] = &[
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "api",
    "app",
    "apps",
    "assets",
    "auth",
    "authentik",
    "autoconfig",
    "autodiscover",
    "billing",
    "blog",
    "calendar",
    "cdn",
    "chat",
    "collabora",
    "dashboard",
    "deleted",
    "dev",
    "dns",
    "docs",
    "download",
    "files",
    "ftp",
    "health",
    "help",
    "hostmaster",
    "imap",
    "internal",
    "jmap",
    "localhost",
    "login",
    "logout",
    "mail",
    "me",
    "meet",
    "metrics",
    "mta-sts",
    "new",
    "news",
    "noc",
    "ns",
    "ns1",
    "ns2",
    "ocis",
    "office",
    "oidc",
    "openapi",
    "pop",
    "pop3",
    "portal",
    "postmaster",
    "root",
    "security",
    "signup",
    "smtp",
    "stalwart",
    "static",
    "stats",
    "status",
    "stripe",
    "support",
    "system",
    "test",
    "traefik",
    "ua-auto-config",
    "users",
    "webdav",
    "webhooks",
    "webmail",
    "webmaster",
    "wopi",
    "wpad",
    "www",
    "zulip",
];

/// Reads a slug: a DNS label of 2 to 63 characters, lower case and not reserved.
///
/// The syntax is that of RFC 1035 §2.3.1 as relaxed by RFC 1123 §2.1.
///
/// A slug is never 24 hexadecimal characters, so that it cannot be mistaken for an id, and never an A-label (`xn--`),
/// which would be displayed as a different text.
///
/// # Errors
/// A [`Problem`] that tells what to change.
pub fn slug(value: &Value) -> Result<String, Problem> {
    let given = value.as_str().ok_or_else(|| Problem::new(FieldCode::WRONG_TYPE, "must be a text"))?;
    check(given)?;
    if RESERVED.contains(&given) {
        return Err(Problem::new(FieldCode::RESERVED, "this name belongs to the platform: choose another"));
    }
    Ok(given.to_owned())
}

/// Checks a slug but allows reserved ones, for the platform's own tenant.
///
/// # Errors
/// As [`slug`].
pub fn check(given: &str) -> Result<(), Problem> {
    if !(2..=63).contains(&given.len()) {
        return Err(Problem::new(FieldCode::INVALID_SLUG, "must have 2 to 63 characters"));
    }
    let fits = given.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !fits || given.starts_with('-') || given.ends_with('-') {
        return Err(Problem::new(
            FieldCode::INVALID_SLUG,
            "must consist of the letters a to z, digits and `-`, and not begin or end with `-`",
        ));
    }
    if given.len() == 24 && given.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Problem::new(FieldCode::INVALID_SLUG, "must not look like an id of 24 hexadecimal characters"));
    }
    if given.get(2..4) == Some("--") {
        return Err(Problem::new(FieldCode::INVALID_SLUG, "must not have `--` as its third and fourth characters"));
    }
    Ok(())
}
