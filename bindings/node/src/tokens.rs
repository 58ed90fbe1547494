//! Verified tokens known to JavaScript by number, so that the object of a remembered token is created once.

use std::sync::Arc;

use dezky::{Result, authn::VerifiedToken};
use dezky_embedded::KnownTokens;
use serde::Serialize;

/// The numbers of tokens.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    numbers: KnownTokens<u32>,
    last: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct View<'token> {
    number: u32,
    token: TokenView<'token>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TokenView<'token> {
    issuer_id: &'token str,
    subject: &'token str,
    issued_at: dezky::clock::Timestamp,
    expires_at: dezky::clock::Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_before: Option<dezky::clock::Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<&'token str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'token str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'token str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<&'token str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_id: Option<&'token str>,
}

/// A token for JavaScript.
#[derive(Debug)]
pub(crate) enum Told {
    /// The number of a token that JavaScript already knows.
    Before(u32),
    /// A new number and its token, as JSON.
    Now(String),
}

impl Tokens {
    /// Returns what JavaScript needs of a token.
    pub(crate) fn tell(&mut self, token: &Arc<VerifiedToken>) -> Result<Told> {
        if let Some(number) = self.numbers.get(token) {
            return Ok(Told::Before(*number));
        }
        self.last = self.last.wrapping_add(1);
        self.numbers.insert(token, self.last);
        Ok(Told::Now(describe(self.last, token)?))
    }

    /// Returns a known token again.
    pub(crate) fn again(&self, number: u32) -> Result<Option<String>> {
        self.numbers.find(|known| *known == number).map(|token| describe(number, token)).transpose()
    }
}

fn describe(number: u32, token: &VerifiedToken) -> Result<String> {
    let view = View {
        number,
        token: TokenView {
            issuer_id: &token.issuer_id,
            subject: &token.subject,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            not_before: token.not_before,
            tenant: token.tenant.as_deref(),
            email: token.email.as_deref(),
            name: token.name.as_deref(),
            session_id: token.session_id.as_deref(),
            token_id: token.token_id.as_deref(),
        },
    };
    serde_json::to_string(&view).map_err(|error| dezky::Error::internal(error.to_string()))
}
