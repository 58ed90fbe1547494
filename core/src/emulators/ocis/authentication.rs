//! Sender of a request: passwords, app tokens and bearer tokens, and the interface that makes app tokens.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Value, json};

use super::{
    answer::{Answer, empty, json_as_text, text, unknown_path},
    request::Request,
    state::{Account, PersonalSpace, State, Token, uuid},
};
use crate::clock::Timestamp;

/// Number of app tokens that the emulator holds.
const MAXIMUM_TOKENS: usize = 1_000;

impl State {
    /// Returns the id of the account that sends a request, and notes that it has signed in.
    pub(super) fn authenticate(&mut self, request: &Request<'_>) -> Option<String> {
        if self.starting {
            return None;
        }
        let (scheme, value) = request.header("authorization")?.split_once(' ')?;
        let id = match scheme {
            "Basic" => {
                let decoded = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
                let (name, password) = decoded.split_once(':')?;
                let account = self.accounts.iter().find(|account| account.name == name && account.enabled)?;
                self.accepts(account, password, request.now()).then(|| account.id.clone())?
            }
            "Bearer" => {
                let (token, id) = self.bearer.as_ref()?;
                (token == value && self.account(id).is_some_and(|account| account.enabled)).then(|| id.clone())?
            }
            _ => return None,
        };
        let account = self.accounts.iter_mut().find(|account| account.id == id)?;
        if account.personal.is_none() {
            account.personal =
                Some(PersonalSpace { alias: format!("personal/{}", account.name), since: request.now() });
        }
        Some(id)
    }

    fn accepts(&self, account: &Account, password: &str, now: Timestamp) -> bool {
        let token = |token: &Token| token.account == account.id && token.secret == password && token.expires > now;
        account.password.as_deref() == Some(password) || self.tokens.iter().any(token)
    }

    /// Answers `/auth-app/tokens`.
    pub(super) fn tokens_of(&mut self, request: &Request<'_>, account: &str) -> Answer {
        match request.method().as_str() {
            "GET" => {
                let own = self.tokens.iter().filter(|token| token.account == account);
                json_as_text(StatusCode::OK, &own.map(|token| shown(token, &token.hash)).collect())
            }
            "POST" => self.create_token(request, account),
            "DELETE" => {
                let hash = request.parameter("token").unwrap_or_default();
                match self.tokens.iter().position(|token| token.account == account && token.hash == hash) {
                    Some(index) => {
                        self.tokens.remove(index);
                        empty(StatusCode::OK)
                    }
                    None => empty(StatusCode::INTERNAL_SERVER_ERROR),
                }
            }
            _ => unknown_path(),
        }
    }

    fn create_token(&mut self, request: &Request<'_>, account: &str) -> Answer {
        let Some(life) = request.parameter("expiry").and_then(go_duration) else {
            return text(StatusCode::BAD_REQUEST, "error parsing expiry. Use e.g. 30m or 72h\n");
        };
        if request.parameter("userName").is_some() {
            return text(StatusCode::FORBIDDEN, "impersonation is not allowed\n");
        }
        if self.tokens.len() >= MAXIMUM_TOKENS {
            return empty(StatusCode::INTERNAL_SERVER_ERROR);
        }
        let now = request.now();
        // Without a life, or with a negative one, the token is dead from the start, and the answer is 200 all the same.
        let expires = life.map_or(now, |life| now.plus(life));
        let (secret, hash) = (uuid(), format!("$2a$11${}", uuid()));
        let token = Token { secret, hash, account: account.to_owned(), created: now, expires };
        let answer = json_as_text(StatusCode::OK, &shown(&token, &token.secret));
        self.tokens.push(token);
        answer
    }
}

fn shown(token: &Token, as_text: &str) -> Value {
    json!({
        "token": as_text,
        "expiration_date": token.expires.to_string(),
        "created_date": token.created.to_string(),
        "label": "Generated via API",
    })
}

/// Parses a duration of one number and one unit, such as `72h`. The inner `None` is a negative one.
fn go_duration(text: &str) -> Option<Option<Duration>> {
    let (negative, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        _ => return None,
    };
    let number: u64 = text.get(..text.len() - 1)?.parse().ok()?;
    let duration = Duration::from_secs(number.checked_mul(unit)?);
    Some((!negative).then_some(duration))
}
