//! Credentials and redirects.

use dezky::outbound::{Client, Credential, OutboundErrorKind, OutboundOptions, Request};

use crate::server::{Server, answer, client, context, local};

#[tokio::test]
async fn a_credential_goes_to_its_origin_and_nowhere_else() {
    let other = Server::answering(200, &[], "").await;
    let target = other.url.to_string();
    let server = Server::start(move |asked, _| {
        let target = target.clone();
        async move {
            match asked.target.as_str() {
                "/away" => answer(302, &[("location", &format!("{target}taken?code=s3cret-code"))], ""),
                "/within" => answer(307, &[("location", "/home")], ""),
                _ => answer(200, &[], ""),
            }
        }
    })
    .await;
    let client = Client::new(OutboundOptions { maximum_redirects: 3, ..local() });
    let credential = Credential::bearer("s3cret-token").unwrap();
    let origin = client.for_origin(server.url.clone(), Some(credential)).unwrap();
    let error = origin.send(&context(), &Request::get("/away")).await.unwrap_err();
    assert_eq!(error.kind(), OutboundErrorKind::Redirect);
    assert_eq!(error.status().map(|status| status.as_u16()), Some(302));
    let place = other.url.origin().ascii_serialization();
    assert!(error.message().contains(&format!("redirects (302) to another origin, `{place}`")), "{error}");
    assert!(!error.message().contains("s3cret") && !error.may_retry(), "{error}");
    assert!(other.arrived().is_empty());
    // Within the origin it goes along.
    assert!(origin.send(&context(), &Request::get("/within")).await.unwrap().status().is_success());
    let arrived = server.arrived();
    assert_eq!(arrived.last().unwrap().target, "/home");
    assert!(arrived.iter().all(|arrived| arrived.header("authorization") == Some("Bearer s3cret-token")));
    // Without a handle there is none.
    client.send(&context(), &server.url, &Request::get("/home")).await.unwrap();
    assert_eq!(server.arrived().last().unwrap().header("authorization"), None);
}

#[tokio::test]
async fn a_user_name_and_a_password_are_sent_as_the_standard_says() {
    let server = Server::answering(200, &[], "").await;
    let credential = Credential::basic("Aladdin", "open sesame").unwrap();
    let origin = client().for_origin(server.url.clone(), Some(credential)).unwrap();
    origin.send(&context(), &Request::get("/")).await.unwrap();
    assert_eq!(server.arrived()[0].header("authorization"), Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
    assert!(Credential::basic("a:b", "c").is_err() && Credential::basic("a", "b\n").is_err());
    assert!(Credential::bearer("token\n").unwrap_err().message().contains("line break"));
}

#[tokio::test]
async fn nothing_shows_a_credential() {
    let server = Server::start(|asked, _| async move {
        let said = asked.header("authorization").unwrap_or_default().to_owned();
        answer(403, &[], format!("denied for {said} and hunter22"))
    })
    .await;
    for credential in [Credential::bearer("s3cret-token").unwrap(), Credential::basic("anna", "hunter22").unwrap()] {
        assert_eq!(format!("{credential:?}"), "Credential");
        let origin = client().for_origin(server.url.clone(), Some(credential)).unwrap();
        let shown = format!("{origin:?}");
        let response = origin.send(&context(), &Request::get("/")).await.unwrap();
        let shown = format!("{shown}{}", response.error_for_status().unwrap_err());
        assert!(shown.contains("answers 403: `denied for ") && !shown.contains("s3cret"), "{shown}");
        assert!(!shown.contains("YW5uYTpodW50ZXIyMg"), "{shown}");
    }
    let credential = Credential::basic("anna", "hunter22").unwrap();
    let origin = client().for_origin(server.url.clone(), Some(credential)).unwrap();
    let error = origin.send(&context(), &Request::get("/")).await.unwrap().error_for_status().unwrap_err();
    assert!(!error.message().contains("hunter22"), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_as_often_as_allowed_and_never_for_changes() {
    let server = Server::answering(303, &[("location", "/again")], "").await;
    let send = |maximum_redirects, request: Request| {
        let (client, url) = (Client::new(OutboundOptions { maximum_redirects, ..local() }), server.url.clone());
        async move { client.send(&context(), &url, &request).await.unwrap_err() }
    };
    let asked = || server.arrived().len();
    let error = send(0, Request::get("/")).await;
    assert_eq!((error.kind(), asked()), (OutboundErrorKind::Redirect, 1));
    let error = send(2, Request::get("/")).await;
    assert_eq!((error.kind(), asked()), (OutboundErrorKind::Redirect, 4));
    assert!(error.message().contains("more than 2 times"), "{error}");
    let error = send(2, Request::post("/").idempotency_key("k").json(&1)).await;
    assert_eq!((error.kind(), asked()), (OutboundErrorKind::Redirect, 5));
}

#[tokio::test]
async fn a_base_may_have_a_path_but_no_query() {
    let server = Server::answering(200, &[], "").await;
    let base = server.url.join("/graph").unwrap();
    let origin = client().for_origin(base.clone(), None).unwrap();
    origin.send(&context(), &Request::get("/v1.0/drives").segment("a/b").query("$filter", "x eq 'y'")).await.unwrap();
    assert_eq!(server.arrived()[0].target, "/graph/v1.0/drives/a%2Fb?%24filter=x+eq+%27y%27");
    for wrong in ["/graph?x=1", "/graph#x"] {
        assert!(client().for_origin(server.url.join(wrong).unwrap(), None).is_err());
    }
    assert!(Client::new(OutboundOptions::default()).for_origin(base, None).is_err(), "plain http");
}
