//! Identification of the caller. Natively the token is verified here; inside a component the host has verified it.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use http::HeaderMap;

use crate::{
    authn::{LogoutRequest, VerifiedToken},
    context::RequestContext,
    error::Result,
    service::{Principal, profile::SyncedCaller},
};

/// Identifies the caller of a request.
#[async_trait]
pub trait Identity: Send + Sync + fmt::Debug {
    /// Returns the verified token of this request.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unauthenticated`] with the code of the refusal.
    async fn caller(&self, context: &RequestContext, headers: &HeaderMap) -> Result<Arc<VerifiedToken>>;

    /// Returns the bearer of the token or API key of this request. Where keys are not read, only of a token.
    ///
    /// # Errors
    /// As [`Identity::caller`].
    async fn principal(&self, context: &RequestContext, headers: &HeaderMap) -> Result<Principal> {
        self.caller(context, headers).await.map(Principal::Token)
    }

    /// Returns the caller whose claims another process has synced; `None` where this one syncs them.
    ///
    /// # Errors
    /// As [`Service::sync_claims`](crate::service::Service::sync_claims).
    async fn synced(&self) -> Result<Option<SyncedCaller>> {
        Ok(None)
    }

    /// Verifies a logout token. [`Service::end_sessions`](crate::service::Service::end_sessions) ensures that it is used only once (`jti`).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unauthenticated`] with the code of the refusal. `not_found` where tokens are not verified
    /// here, since this route is then answered by the process that verifies them.
    async fn logout(&self, _context: &RequestContext, _token: &str) -> Result<LogoutRequest> {
        Err(crate::Error::not_found())
    }
}

#[cfg(feature = "authn")]
pub use native::{TokenIdentity, has_api_key};

#[cfg(feature = "authn")]
mod native {
    use super::{
        Arc, HeaderMap, Identity, LogoutRequest, Principal, RequestContext, Result, VerifiedToken, async_trait,
    };
    use crate::{
        authn::{TokenRefusal, Verifier},
        context::{Caller, Presentation},
        domain::api_key::PresentedKey,
        error::{Code, Error, ErrorKind},
    };

    /// Verifies the bearer token of each request (RFC 6750 §2.1).
    #[derive(Debug, Clone)]
    pub struct TokenIdentity {
        verifier: Verifier,
    }

    impl TokenIdentity {
        /// Creates an identity that verifies with this verifier.
        #[must_use]
        pub fn new(verifier: Verifier) -> Self {
            Self { verifier }
        }
    }

    #[async_trait]
    impl Identity for TokenIdentity {
        async fn caller(&self, context: &RequestContext, headers: &HeaderMap) -> Result<Arc<VerifiedToken>> {
            let bearer = bearer(headers).inspect_err(|error| self.note(context, error, None))?;
            let token = self.verifier.verify(context, bearer).await;
            let token = token.inspect_err(|error| self.note(context, error, Some(bearer)))?;
            let caller = Caller::Subject { issuer: token.issuer_id.clone(), subject: token.subject.clone() };
            context.presented.note(Presentation::Verified(caller));
            Ok(token)
        }

        async fn principal(&self, context: &RequestContext, headers: &HeaderMap) -> Result<Principal> {
            let key = bearer(headers).ok().filter(|bearer| PresentedKey::is_meant(bearer));
            let Some(key) = key else { return self.caller(context, headers).await.map(Principal::Token) };
            let Some(key) = PresentedKey::read(key) else {
                let message = "this begins like an API key, and is incomplete: send the whole key, as it was shown";
                let error = Error::new(Code::API_KEY_MALFORMED, message);
                self.note(context, &error, None);
                return Err(error);
            };
            // Who it is, is known once the secret is compared.
            Ok(Principal::ApiKey(key))
        }

        async fn logout(&self, context: &RequestContext, token: &str) -> Result<LogoutRequest> {
            let logout = self.verifier.verify_logout(context, token).await;
            logout.inspect_err(|error| self.note(context, error, Some(token)))
        }
    }

    impl TokenIdentity {
        /// Records a refusal for the log line about it.
        fn note(&self, context: &RequestContext, error: &Error, token: Option<&str>) {
            if error.kind() == ErrorKind::Unauthenticated {
                let issuer = token.and_then(|token| self.verifier.issuer_named_by(token));
                context.presented.note(Presentation::Refused { code: error.code(), issuer });
            }
        }
    }

    /// Returns `true` if a request is meant to be authenticated by an API key.
    #[must_use]
    pub fn has_api_key(headers: &HeaderMap) -> bool {
        bearer(headers).is_ok_and(PresentedKey::is_meant)
    }

    fn bearer(headers: &HeaderMap) -> Result<&str> {
        let mut values = headers.get_all(http::header::AUTHORIZATION).iter();
        let value = values.next().ok_or(TokenRefusal::Missing)?;
        if values.next().is_some() {
            return Err(TokenRefusal::Malformed("there are two `Authorization` headers".into()).into());
        }
        let text = value.to_str().map_err(|_| {
            TokenRefusal::Malformed("the `Authorization` header holds other than plain characters".into())
        })?;
        match text.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
                Ok(token.trim())
            }
            _ => Err(TokenRefusal::Missing.into()),
        }
    }
}
