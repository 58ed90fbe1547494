//! Logs refused requests: one structured line each, rate-limited.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request},
    response::Response,
};
use http::{Method, StatusCode};

use super::request::current_request_id;
use crate::{
    context::{Caller, Presentation, Presented, RequestContext},
    error::{Code, Error, ErrorKind},
    plain::Plain,
};

/// Rate limit of lines of a kind: the number of lines at once, and per second after that.
const BURST: f64 = 50.0;
const PER_SECOND: f64 = 5.0;

/// The address of the client, as an extension of requests whose edge knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The refusal of an answer, as an extension of it: for the log line, and for edges that count refusals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    code: &'static str,
    kind: Kind,
}

/// Kinds whose lines are limited separately, so that a flood of one does not hide others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unauthenticated,
    Forbidden,
    Logout,
    RateLimited,
}

impl Kind {
    const ALL: [Self; 4] = [Self::Unauthenticated, Self::Forbidden, Self::Logout, Self::RateLimited];

    fn name(self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::Logout => "logout",
            Self::RateLimited => "rate_limited",
        }
    }

    /// Returns the process-wide allowance of this kind.
    fn allowance(self) -> &'static Mutex<Allowance> {
        static UNAUTHENTICATED: Mutex<Allowance> = Mutex::new(Allowance::WHOLE);
        static FORBIDDEN: Mutex<Allowance> = Mutex::new(Allowance::WHOLE);
        static LOGOUT: Mutex<Allowance> = Mutex::new(Allowance::WHOLE);
        static RATE_LIMITED: Mutex<Allowance> = Mutex::new(Allowance::WHOLE);
        match self {
            Self::Unauthenticated => &UNAUTHENTICATED,
            Self::Forbidden => &FORBIDDEN,
            Self::Logout => &LOGOUT,
            Self::RateLimited => &RATE_LIMITED,
        }
    }

    /// Takes a line from the allowance, and returns the number of lines dropped before it.
    fn take(self) -> Option<u64> {
        self.allowance().lock().unwrap_or_else(PoisonError::into_inner).take(Instant::now())
    }
}

impl Refused {
    /// Returns the refusal that an error stands for, if it is one.
    pub(super) fn by(error: &Error) -> Option<Self> {
        let kind = match error.kind() {
            ErrorKind::Unauthenticated => Kind::Unauthenticated,
            ErrorKind::Forbidden => Kind::Forbidden,
            ErrorKind::RateLimited => Kind::RateLimited,
            _ => return None,
        };
        Some(Self { code: error.code(), kind })
    }

    /// Returns the refusal of an invalid logout token.
    pub(super) fn of_logout(error: &Error) -> Self {
        Self { code: error.code(), kind: Kind::Logout }
    }

    /// Returns the refusal of an answer made elsewhere, from its status and code, if it is one.
    ///
    /// A code that this release does not declare becomes `other`.
    #[must_use]
    pub fn told(status: StatusCode, code: Option<&str>) -> Option<Self> {
        let kind = match status {
            StatusCode::UNAUTHORIZED => Kind::Unauthenticated,
            StatusCode::FORBIDDEN => Kind::Forbidden,
            StatusCode::TOO_MANY_REQUESTS => Kind::RateLimited,
            _ => return None,
        };
        let code = code.and_then(Code::from_name).map_or("other", Code::name);
        Some(Self { code, kind })
    }

    /// Returns the stable code, such as `token_expired`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}

/// The parts of a request that its log line names if it is refused.
pub(super) struct Asked {
    presented: Presented,
    address: Option<IpAddr>,
    method: Method,
    route: Option<MatchedPath>,
}

impl Asked {
    /// Takes them from a request before it is answered.
    pub(super) fn of(request: &Request) -> Self {
        let extensions = request.extensions();
        Self {
            presented: extensions.get::<RequestContext>().map(|context| context.presented.clone()).unwrap_or_default(),
            address: extensions.get::<ClientAddress>().map(|address| address.0),
            method: request.method().clone(),
            route: extensions.get::<MatchedPath>().cloned(),
        }
    }

    /// Writes a line if the answer is a refusal.
    ///
    /// A refusal of the token by the edge counts even if the answer is none.
    pub(super) fn tell(&self, response: &mut Response) {
        if let Some(refused) = response.extensions().get::<Refused>() {
            self.write(refused, response.status());
        } else if let Some(Presentation::Refused { code, .. }) = self.presented.get() {
            let refused = Refused { code, kind: Kind::Unauthenticated };
            self.write(&refused, response.status());
            response.extensions_mut().insert(refused);
        }
    }

    fn write(&self, refused: &Refused, status: StatusCode) {
        if !tracing::enabled!(tracing::Level::INFO) {
            return;
        }
        let Some(dropped) = refused.kind.take() else { return };
        let (issuer, caller) = match self.presented.get() {
            None => (None, None),
            Some(Presentation::Refused { issuer, .. }) => (issuer.as_deref(), None),
            Some(Presentation::Verified(Caller::Subject { issuer, subject })) => (Some(&**issuer), Some(&**subject)),
            Some(Presentation::Verified(Caller::System(name) | Caller::ApiKey(name))) => (None, Some(&**name)),
            Some(Presentation::Verified(Caller::Anonymous)) => (None, None),
        };
        tracing::info!(
            code = %refused.code,
            status = status.as_u16(),
            issuer = issuer.map(|issuer| display(Plain(issuer))),
            caller = caller.map(|caller| display(Plain(caller))),
            address = self.address.map(display),
            method = %self.method,
            route = %self.route.as_ref().map_or("none", MatchedPath::as_str),
            request_id = %current_request_id(),
            dropped = (dropped > 0).then_some(dropped),
            "refused"
        );
    }
}

/// Logs a connection that was refused because its address has too many.
pub fn tell_of_connection(address: IpAddr) {
    if let Some(dropped) = Kind::RateLimited.take() {
        let dropped = (dropped > 0).then_some(dropped);
        tracing::info!(code = %Code::TOO_MANY_CONNECTIONS, %address, dropped, "refused");
    }
}

/// Logs how many lines were dropped since the last one of their kind. To be called regularly by long-running edges.
pub fn tell_of_dropped() {
    for kind in Kind::ALL {
        let dropped = kind.allowance().lock().unwrap_or_else(PoisonError::into_inner).dropped(Instant::now());
        if dropped > 0 {
            tracing::info!(kind = %kind.name(), dropped, "refusals without a line of their own");
        }
    }
}

/// A rate limit of log lines.
#[derive(Debug)]
struct Allowance {
    lines: f64,
    counted: Option<Instant>,
    dropped: u64,
}

impl Allowance {
    const WHOLE: Self = Self { lines: BURST, counted: None, dropped: 0 };

    /// Takes a line, if one is left, and returns how many were dropped before it.
    fn take(&mut self, now: Instant) -> Option<u64> {
        self.refill(now);
        if self.lines < 1.0 {
            self.dropped = self.dropped.saturating_add(1);
            return None;
        }
        self.lines -= 1.0;
        Some(std::mem::take(&mut self.dropped))
    }

    /// Returns the number of dropped lines once; zero while there is no line left to report it.
    fn dropped(&mut self, now: Instant) -> u64 {
        if self.dropped == 0 {
            return 0;
        }
        // The line that reports dropped lines is not one of them.
        self.take(now).unwrap_or_else(|| {
            self.dropped = self.dropped.saturating_sub(1);
            0
        })
    }

    fn refill(&mut self, now: Instant) {
        let passed = self.counted.map_or(0.0, |counted| now.saturating_duration_since(counted).as_secs_f64());
        self.lines = passed.mul_add(PER_SECOND, self.lines).min(BURST);
        self.counted = Some(now);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use std::time::Duration;

    use super::*;

    #[test]
    fn lines_beyond_the_allowance_are_dropped_and_counted_in_the_next() {
        let (mut allowance, start) = (Allowance::WHOLE, Instant::now());
        for _ in 0..50 {
            assert_eq!(allowance.take(start), Some(0));
        }
        for _ in 0..1_000 {
            assert_eq!(allowance.take(start), None);
        }
        assert_eq!(allowance.dropped(start), 0, "there is no line for it");
        let later = start + Duration::from_millis(250);
        assert_eq!(allowance.take(later), Some(1_000), "one line each fifth of a second");
        assert_eq!(allowance.take(later), None);
        let at_last = later + Duration::from_secs(1_000);
        assert_eq!((allowance.dropped(at_last), allowance.dropped(at_last)), (1, 0), "told once");
        for _ in 0..49 {
            assert_eq!(allowance.take(at_last), Some(0));
        }
        assert_eq!(allowance.take(at_last), None, "what is not used does not grow without bound");
    }

    #[test]
    fn a_code_from_elsewhere_is_repeated_if_it_is_declared() {
        let told = |code| Refused::told(StatusCode::FORBIDDEN, code).unwrap().code();
        assert_eq!(told(Some("role_insufficient")), "role_insufficient");
        for odd in [None, Some(""), Some("a b"), Some("x\u{1b}[2J"), Some("Code"), Some("too_long")] {
            assert_eq!(told(odd), "other");
        }
        assert_eq!(Refused::told(StatusCode::NOT_FOUND, Some("not_found")), None);
    }
}
