//! Tests that only an in-process edge can set the caller.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use dezky::{
    Code, Error, ErrorKind, Result,
    authn::VerifiedToken,
    clock::SystemClock,
    context::{RequestContext, SystemActor},
    http::{HttpState, Identity, router},
    service::{Principal, Service, ServiceSettings},
    test_kit::cases::{NativeStage, Stage as _},
};
use http::{HeaderMap, Request, StatusCode};
use tower::ServiceExt as _;

#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Identity for Nobody {
    async fn caller(&self, _: &RequestContext, _: &HeaderMap) -> Result<Arc<VerifiedToken>> {
        Err(Error::new(Code::TOKEN_MISSING, "nobody is let in here"))
    }
}

#[tokio::test]
async fn the_extensions_of_a_request_name_a_system_actor_and_no_header_does() {
    let stage = NativeStage::on_sqlite().unwrap();
    let service = Service::new(stage.store().await.unwrap(), Arc::new(SystemClock), ServiceSettings::default());
    let routes = router(HttpState::new(Arc::new(service), Arc::new(Nobody)));
    let mut request = Request::get("/tenants").body(Body::empty()).unwrap();
    request.extensions_mut().insert(Principal::named_system("report").unwrap());
    assert_eq!(routes.clone().oneshot(request).await.unwrap().status(), StatusCode::OK);
    for name in ["principal", "x-principal", "system", "x-dezky-principal", "x-actor"] {
        let request = Request::get("/tenants").header(name, "report").body(Body::empty()).unwrap();
        assert_eq!(routes.clone().oneshot(request).await.unwrap().status(), StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[test]
fn a_system_actor_has_a_plain_name_that_is_no_part_of_the_system() {
    for name in ["nightly-report", "maria@ops:host-1", &"x".repeat(64)] {
        assert!(matches!(Principal::named_system(name), Ok(Principal::System(given)) if given == name), "{name}");
    }
    for name in ["", "a b", "a\nb", "ä", &"x".repeat(65)] {
        assert_eq!(Principal::named_system(name).unwrap_err().kind(), ErrorKind::Invalid, "{name}");
    }
}

#[test]
fn nobody_is_taken_for_a_part_of_the_system_by_its_name() {
    assert!(SystemActor::ALL.len() >= 10);
    for part in SystemActor::ALL {
        let name = part.name();
        for name in
            [name.to_owned(), name.to_uppercase(), name.replace('-', "_"), name.replace('-', ""), format!("{name}.")]
        {
            let refused = Principal::named_system(&name).unwrap_err();
            assert_eq!((refused.kind(), refused.fields()[0].code.name()), (ErrorKind::Invalid, "reserved"), "{name}");
        }
        assert!(Principal::named_system(&format!("{name}-2")).is_ok(), "{name}");
    }
    for (name, part) in
        [("claims-sync", SystemActor::ClaimsSync), ("migrate", SystemActor::Migrate), ("logout", SystemActor::Logout)]
    {
        assert_eq!(SystemActor::taken_for(name), Some(part));
    }
}
