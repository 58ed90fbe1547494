//! Callers: the tokens that a case sends, genuine and forged.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value, json};

use super::format::{Person, RawAuthorization, TokenKind};
use crate::{
    authn::token::Algorithm,
    clock::Timestamp,
    test_kit::{Claims, DevelopmentIssuer},
};

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

    /// The `Authorization` header of a caller. Who calls twice at the same instant sends the same token.
    pub(super) fn authorization(&mut self, caller: &Value, now: Timestamp) -> Result<String, String> {
        let person = match caller {
            Value::String(subject) => serde_json::from_value(json!({ "subject": subject })),
            Value::Object(members) if members.contains_key("authorization") => {
                let raw: RawAuthorization = read(caller)?;
                return Ok(raw.authorization);
            }
            _ => serde_json::from_value(caller.clone()),
        };
        let person: Person = person.map_err(|error| format!("`as` is wrong: {error}"))?;
        let key = format!("{now} {caller}");
        if let Some(token) = self.issued.get(&key) {
            return Ok(format!("Bearer {token}"));
        }
        let token = self.issue(&person, now)?;
        self.issued.insert(key, token.clone());
        Ok(format!("Bearer {token}"))
    }

    fn issue(&self, person: &Person, now: Timestamp) -> Result<String, String> {
        let issuer =
            self.issuers.get(&person.issuer).ok_or_else(|| format!("there is no issuer `{}`", person.issuer))?;
        let claims = claims(issuer, person, now);
        let genuine = || issuer.mint(&claims);
        if !person.header.is_empty() {
            if person.token != TokenKind::Genuine {
                return Err("`header` is for genuine tokens only".to_owned());
            }
            let mut header = issuer.header(Algorithm::Es256);
            if let Value::Object(members) = &mut header {
                merge(members, &person.header);
            }
            return Ok(issuer.mint_with(&header, &claims, Algorithm::Es256));
        }
        Ok(match person.token {
            TokenKind::Genuine => genuine(),
            TokenKind::Unsigned => issuer.forge_unsigned(&claims),
            TokenKind::Symmetric => issuer.forge_symmetric(&claims),
            TokenKind::Forged => issuer.forge_signature(&claims),
            TokenKind::Encrypted => format!("{}.AAAA.AAAA", genuine()),
            TokenKind::Truncated => genuine().rsplit_once('.').map(|(signed, _)| signed.to_owned()).unwrap_or_default(),
            TokenKind::Oversized => issuer.mint(&claims.with("padding", "x".repeat(17 * 1024))),
        })
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, String> {
    serde_json::from_value(value.clone()).map_err(|error| format!("`as` is wrong: {error}"))
}

fn merge(target: &mut Map<String, Value>, changes: &Map<String, Value>) {
    for (name, value) in changes {
        target.insert(name.clone(), value.clone());
    }
}

fn claims(issuer: &DevelopmentIssuer, person: &Person, now: Timestamp) -> Claims {
    let shift = Duration::from_secs(person.issued.unsigned_abs());
    let issued = if person.issued < 0 { now.minus(shift) } else { now.plus(shift) };
    let mut claims = issuer
        .claims(&person.subject)
        .with("iat", issued.seconds())
        .with("auth_time", issued.seconds())
        .with("exp", issued.seconds().saturating_add(person.life));
    if let Some(groups) = &person.groups {
        claims = claims.groups(groups.iter().map(String::as_str));
    }
    for (name, value) in &person.claims {
        claims = claims.with(name, value.clone());
    }
    person.without.iter().fold(claims, |claims, name| claims.without(name))
}
