//! Callers: the valid and forged tokens that a case sends.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};

use super::format::{LogoutToken, Person, RawAuthorization, TokenKind};
use crate::{
    authn::token::Algorithm,
    clock::Timestamp,
    test_kit::{Claims, DevelopmentIssuer},
};

/// The caller of a request.
#[derive(Debug)]
pub(super) enum Caller {
    /// A person with a token.
    Person(Box<Person>),
    /// A header that is sent unchanged.
    Raw(String),
}

impl Caller {
    /// Reads `as`.
    pub(super) fn read(caller: &Value) -> Result<Self, String> {
        let wrong = |error| format!("`as` is wrong: {error}");
        match caller {
            Value::Object(members) if members.contains_key("authorization") => {
                serde_json::from_value(caller.clone()).map(|raw: RawAuthorization| Self::Raw(raw.authorization))
            }
            Value::String(subject) => serde_json::from_value(json!({ "subject": subject })).map(Self::Person),
            _ => serde_json::from_value(caller.clone()).map(Self::Person),
        }
        .map_err(wrong)
    }
}

/// The issuers of a case, and the tokens that they have issued.
#[derive(Debug, Default)]
pub(super) struct Callers {
    issuers: BTreeMap<String, DevelopmentIssuer>,
    issued: BTreeMap<String, String>,
}

impl Callers {
    pub(super) fn add(&mut self, id: &str, issuer: DevelopmentIssuer) {
        self.issuers.insert(id.to_owned(), issuer);
    }

    /// Returns the `Authorization` header of a caller. Calls of one caller at the same instant send the same token.
    pub(super) fn authorization(&mut self, caller: &Value, now: Timestamp) -> Result<String, String> {
        let person = match Caller::read(caller)? {
            Caller::Raw(authorization) => return Ok(authorization),
            Caller::Person(person) => person,
        };
        let key = format!("{now} {caller}");
        if let Some(token) = self.issued.get(&key) {
            return Ok(format!("Bearer {token}"));
        }
        let token = self.issue(&person, now)?;
        self.issued.insert(key, token.clone());
        Ok(format!("Bearer {token}"))
    }

    /// Returns a logout token. The same description at the same instant gives the same token.
    pub(super) fn logout_token(&mut self, wanted: &LogoutToken, now: Timestamp) -> Result<String, String> {
        let key = format!("{now} {wanted:?}");
        if let Some(token) = self.issued.get(&key) {
            return Ok(token.clone());
        }
        let issuer = self.issuer(&wanted.issuer)?;
        let claims = issuer.logout_claims(&wanted.name, wanted.subject.as_deref(), wanted.session.as_deref());
        let claims = timed(claims, now, wanted.issued, wanted.life);
        let claims = changed(claims, &wanted.claims, &wanted.without);
        let token = sign(issuer, &claims, &wanted.header, wanted.token)?;
        self.issued.insert(key, token.clone());
        Ok(token)
    }

    fn issuer(&self, id: &str) -> Result<&DevelopmentIssuer, String> {
        self.issuers.get(id).ok_or_else(|| format!("there is no issuer `{id}`"))
    }

    fn issue(&self, person: &Person, now: Timestamp) -> Result<String, String> {
        let issuer = self.issuer(&person.issuer)?;
        sign(issuer, &claims(issuer, person, now), &person.header, person.token)
    }
}

/// Signs a token with these claims, applying the case's changes to the header or signature.
fn sign(
    issuer: &DevelopmentIssuer,
    claims: &Claims,
    changes: &Map<String, Value>,
    kind: TokenKind,
) -> Result<String, String> {
    let genuine = || issuer.mint(claims);
    if !changes.is_empty() {
        if kind != TokenKind::Genuine {
            return Err("`header` is for genuine tokens only".to_owned());
        }
        let mut header = issuer.header(Algorithm::Es256);
        if let Value::Object(members) = &mut header {
            merge(members, changes);
        }
        return Ok(issuer.mint_with(&header, claims, Algorithm::Es256));
    }
    Ok(match kind {
        TokenKind::Genuine => genuine(),
        TokenKind::Unsigned => issuer.forge_unsigned(claims),
        TokenKind::Symmetric => issuer.forge_symmetric(claims),
        TokenKind::Forged => issuer.forge_signature(claims),
        TokenKind::Encrypted => format!("{}.AAAA.AAAA", genuine()),
        TokenKind::Truncated => genuine().rsplit_once('.').map(|(signed, _)| signed.to_owned()).unwrap_or_default(),
        TokenKind::Oversized => issuer.mint(&claims.clone().with("padding", "x".repeat(17 * 1024))),
    })
}

fn merge(target: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, value) in changes {
        target.insert(name.clone(), value.clone());
    }
}

fn claims(issuer: &DevelopmentIssuer, person: &Person, now: Timestamp) -> Claims {
    let mut claims = timed(issuer.claims(&person.subject), now, person.issued, person.life);
    let issued_at = claims.json().get("iat").cloned().unwrap_or_default();
    claims = claims.with("auth_time", issued_at);
    if let Some(groups) = &person.groups {
        claims = claims.groups(groups.iter().map(String::as_str));
    }
    changed(claims, &person.claims, &person.without)
}

/// Adds the times of a token issued `issued` seconds from now and valid for `life` seconds.
fn timed(claims: Claims, now: Timestamp, issued: i64, life: i64) -> Claims {
    let shift = Duration::from_secs(issued.unsigned_abs());
    let issued = if issued < 0 { now.minus(shift) } else { now.plus(shift) };
    claims.with("iat", issued.seconds()).with("exp", issued.seconds().saturating_add(life))
}

fn changed(mut claims: Claims, changes: &Map<String, Value>, without: &[String]) -> Claims {
    for (name, value) in changes {
        claims = claims.with(name, value.clone());
    }
    without.iter().fold(claims, |claims, name| claims.without(name))
}
