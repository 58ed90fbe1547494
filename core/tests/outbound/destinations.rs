//! Addresses, names, schemes, certificates and proxies.

use std::{
    io,
    net::IpAddr,
    process::Command,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use dezky::{
    authn::token::KeyFamily,
    outbound::{
        AllowedAddresses, CertificateAuthorities, Client, Lookup, OutboundErrorKind, OutboundOptions, PlainHttp,
        Request, RetryPolicy,
    },
    test_kit::{DevelopmentIssuer, DevelopmentIssuerOptions},
};
use url::Url;

use crate::server::{Server, answer, client, context, local};

/// Resolves every name to the next of these addresses, the last one for ever.
#[derive(Debug)]
struct Names {
    left: Mutex<Vec<IpAddr>>,
    asked: Mutex<usize>,
}

impl Names {
    fn of(addresses: &[&str]) -> Arc<Self> {
        let left = addresses.iter().rev().map(|address| address.parse().unwrap()).collect();
        Arc::new(Self { left: Mutex::new(left), asked: Mutex::default() })
    }
}

#[async_trait]
impl Lookup for Names {
    async fn addresses(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        *self.asked.lock().unwrap() += 1;
        let mut left = self.left.lock().unwrap();
        let next = if left.len() > 1 { left.pop() } else { left.last().copied() };
        Ok(next.into_iter().collect())
    }
}

fn named(server: &Server) -> Url {
    let mut url = server.url.clone();
    url.set_host(Some("system.example")).unwrap();
    url
}

#[tokio::test]
async fn addresses_that_are_not_allowed_are_not_connected_to() {
    let server = Server::answering(200, &[], "").await;
    let port = server.url.port().unwrap();
    let anywhere =
        OutboundOptions { plain_http: PlainHttp::Anywhere, retries: RetryPolicy::NONE, ..Default::default() };
    for host in ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "localhost"] {
        let url = Url::parse(&format!("http://{host}:{port}/latest?key=s3cret")).unwrap();
        let error = Client::new(anywhere.clone()).send(&context(), &url, &Request::get("")).await.unwrap_err();
        assert_eq!(error.kind(), OutboundErrorKind::RefusedAddress, "{host}: {error}");
        assert!(!error.may_retry() && !error.message().contains("s3cret"), "{error}");
    }
    for address in ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::ffff:127.0.0.1", "fd00:ec2::254", "64:ff9b::7f00:1"]
    {
        let lookup = Names::of(&[address]);
        let client = Client::new(OutboundOptions { lookup, ..anywhere.clone() });
        let error = client.send(&context(), &named(&server), &Request::get("")).await.unwrap_err();
        assert_eq!(error.kind(), OutboundErrorKind::RefusedAddress, "{address}: {error}");
        assert!(error.message().contains("`system.example`") && error.message().contains(address), "{error}");
    }
    assert!(server.arrived().is_empty());
    let private = OutboundOptions { addresses: AllowedAddresses::PUBLIC.and_private().and_loopback(), ..anywhere };
    assert!(Client::new(private).send(&context(), &server.url, &Request::get("")).await.is_ok());
}

#[tokio::test]
async fn the_address_that_was_checked_is_the_one_connected_to() {
    let server = Server::answering(200, &[("connection", "close")], "").await;
    // A name that changes its address between the check and the connection would be asked for twice.
    let names = Names::of(&["127.0.0.1", "10.0.0.5"]);
    let client = Client::new(OutboundOptions { lookup: names.clone(), idle_connections: 0, ..local() });
    assert!(client.send(&context(), &named(&server), &Request::get("")).await.is_ok());
    assert_eq!(*names.asked.lock().unwrap(), 1);
    let host = format!("system.example:{}", server.url.port().unwrap());
    assert_eq!(server.arrived()[0].header("host"), Some(host.as_str()));
    // The next connection is checked again.
    let error = client.send(&context(), &named(&server), &Request::get("")).await.unwrap_err();
    assert_eq!(error.kind(), OutboundErrorKind::RefusedAddress, "{error}");
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn plain_http_is_for_where_it_is_allowed() {
    let server = Server::answering(200, &[], "").await;
    let options = |plain_http, addresses| OutboundOptions { plain_http, addresses, ..local() };
    for (refused, reason) in [
        (options(PlainHttp::Never, AllowedAddresses::ANY), "https://"),
        (options(PlainHttp::OnLoopback, AllowedAddresses::PUBLIC), "https://"),
    ] {
        let error = Client::new(refused).send(&context(), &server.url, &Request::get("")).await.unwrap_err();
        assert_eq!(error.kind(), OutboundErrorKind::RefusedAddress);
        assert!(error.message().contains(reason), "{error}");
    }
    // On loopback means there alone, by number and by name.
    let lookup = Names::of(&["10.0.0.5"]);
    let client = Client::new(OutboundOptions { lookup, ..options(PlainHttp::OnLoopback, AllowedAddresses::ANY) });
    for url in ["http://10.0.0.5/", "http://1.1.1.1/", "http://system.example/"] {
        let error = client.send(&context(), &Url::parse(url).unwrap(), &Request::get("")).await.unwrap_err();
        assert_eq!(error.kind(), OutboundErrorKind::RefusedAddress, "{url}: {error}");
    }
    assert!(client.send(&context(), &server.url, &Request::get("")).await.is_ok());
    for (url, kind) in [
        ("ftp://127.0.0.1/", OutboundErrorKind::RefusedAddress),
        ("file:///etc/passwd", OutboundErrorKind::RefusedAddress),
        ("http://me:s3cret@127.0.0.1/", OutboundErrorKind::InvalidRequest),
        ("http://me@127.0.0.1/", OutboundErrorKind::InvalidRequest),
    ] {
        let error = client.send(&context(), &Url::parse(url).unwrap(), &Request::get("")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{url}: {error}");
        assert!(!error.message().contains("s3cret"), "{error}");
    }
}

async fn over_tls() -> DevelopmentIssuer {
    let options = DevelopmentIssuerOptions { https: true, family: KeyFamily::P256, ..Default::default() };
    DevelopmentIssuer::start_with(options).await.unwrap()
}

fn trusting(issuer: &DevelopmentIssuer) -> Client {
    let authorities = CertificateAuthorities::from_pem(issuer.ca_pem().unwrap().as_bytes()).unwrap();
    Client::new(OutboundOptions { authorities, ..local() })
}

#[tokio::test]
async fn certificates_are_those_of_the_system_and_of_added_authorities() {
    let (system, other) = (over_tls().await, over_tls().await);
    let url = Url::parse(system.jwks_url()).unwrap();
    for stranger in [client(), trusting(&other)] {
        let error = stranger.send(&context(), &url, &Request::get("")).await.unwrap_err();
        assert_eq!(error.kind(), OutboundErrorKind::Tls, "{error}");
        assert!(!error.may_retry());
    }
    assert_eq!(system.jwks_fetches(), 0);
    let response = trusting(&system).send(&context(), &url, &Request::get("")).await.unwrap();
    assert!(response.status().is_success() && response.certificate().is_some());
    // What speaks no TLS is told apart from what is not there.
    let plain = Server::answering(200, &[], "").await;
    let mut url = plain.url.clone();
    url.set_scheme("https").unwrap();
    let error = client().send(&context(), &url, &Request::get("")).await.unwrap_err();
    assert_eq!(error.kind(), OutboundErrorKind::Tls, "{error}");
    assert!(CertificateAuthorities::from_pem(b"no certificate").is_err());
}

#[tokio::test]
async fn proxies_of_the_environment_are_not_used() {
    // In a process of its own, because the environment is everybody's.
    let own = std::env::current_exe().unwrap();
    let proxy = "http://127.0.0.1:1";
    let child = Command::new(own)
        .args(["--exact", "destinations::certificates_are_those_of_the_system_and_of_added_authorities"])
        .envs(
            ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]
                .map(|name| (name, proxy)),
        )
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(child.status.success() && told.contains("1 passed"), "{told}");
}

#[tokio::test]
async fn no_cookies_are_kept_and_no_referrer_is_sent() {
    let server = Server::start(|_, _| async {
        answer(200, &[("set-cookie", "session=1; Path=/"), ("connection", "close")], "")
    })
    .await;
    let client = client();
    for _ in 0..2 {
        client.send(&context(), &server.url, &Request::get("/page")).await.unwrap();
    }
    for arrived in server.arrived() {
        assert_eq!(arrived.header("cookie"), None);
        assert_eq!(arrived.header("referer"), None);
        assert_eq!(arrived.header("user-agent"), Some(concat!("dezky/", env!("CARGO_PKG_VERSION"))));
    }
}
