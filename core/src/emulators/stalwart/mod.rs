//! Emulator of Stalwart 0.16, and of 0.15 if set so.

mod answers;
mod by_hand;
mod ids;
mod registry;
mod rest;
mod state;
mod zone;

use std::sync::{Mutex, MutexGuard, PoisonError};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{Method, Response, header};

pub use self::by_hand::{EmulatedAccount, EmulatedDomain};
use self::state::State;
use super::{Emulated, Exchange};
use crate::connectors::Secret;

/// Releases that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// 0.15, with a REST interface.
    V015,
    /// 0.16, with a JMAP registry.
    V016,
}

/// An emulated Stalwart.
#[derive(Debug)]
pub struct StalwartSystem {
    credential: Mutex<Secret>,
    state: Mutex<State>,
}

impl StalwartSystem {
    /// Creates an empty system of release 0.16 that lets this credential do everything.
    #[must_use]
    pub fn new(credential: Secret) -> Self {
        Self { credential: Mutex::new(credential), state: Mutex::new(State::new()) }
    }

    /// Replaces the credential, as when it has expired.
    pub fn set_credential(&self, credential: Secret) {
        *self.credential.lock().unwrap_or_else(PoisonError::into_inner) = credential;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_authorized(&self, exchange: &Exchange) -> bool {
        let expected = match &*self.credential.lock().unwrap_or_else(PoisonError::into_inner) {
            Secret::Bearer(token) => format!("Bearer {token}"),
            Secret::Basic { user, password } => format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))),
        };
        exchange.headers.get(header::AUTHORIZATION).is_some_and(|given| given.as_bytes() == expected.as_bytes())
    }
}

impl Emulated for StalwartSystem {
    fn answer(&self, exchange: &Exchange) -> Response<Bytes> {
        let mut state = self.state();
        state.settle(exchange.now);
        let path = exchange.uri.path();
        let get = exchange.method == Method::GET;
        if path == "/.well-known/jmap" && get {
            return answers::redirect("/jmap/session");
        }
        let interface = path == "/jmap" || path.starts_with("/jmap/") || path.starts_with("/api/");
        if !interface {
            return answers::not_found();
        }
        if !self.is_authorized(exchange) {
            return answers::unauthorized();
        }
        let registry = state.release == Release::V016;
        match path {
            "/jmap/session" if get => answers::json(&registry::session(&state, registry)),
            "/jmap" | "/jmap/" if exchange.method == Method::POST && registry => registry::answer(&mut state, exchange),
            "/jmap" | "/jmap/" if exchange.method == Method::POST => {
                let detail = "Unknown capability: \"urn:stalwart:jmap\" at line 1 column 63";
                answers::request_problem("notRequest", detail)
            }
            "/api/account" if get && registry => answers::json(&registry::account(&state)),
            _ if path.starts_with("/api/") && !registry => rest::answer(&mut state, exchange),
            _ => answers::not_found(),
        }
    }
}
