//! Tests of providers' responses: locations of keys, addresses, and encodings of bodies.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{
    collections::HashMap,
    io::{self, Write as _},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use dezky::{
    authn::{
        IssuerSettings, JwksSource, Verifier, VerifierOptions,
        keys::{FetchError, FetchErrorKind, HttpKeySource, KeySet, KeySource as _, NoArchive},
        token::KeyFamily,
    },
    clock::SystemClock,
    context::RequestContext,
    outbound::Lookup,
    test_kit::{DevelopmentIssuer, DevelopmentIssuerOptions},
};
use flate2::{
    Compression,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

/// Header lines and body by path.
type Answers = Arc<Mutex<HashMap<String, (String, Vec<u8>)>>>;

/// A provider with configured responses.
struct Provider {
    address: SocketAddr,
    answers: Answers,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Provider {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (answers, connections) = (Answers::default(), Arc::new(AtomicUsize::new(0)));
        let task = tokio::spawn(serve(listener, Arc::clone(&answers), Arc::clone(&connections)));
        let provider = Self { address, answers, connections, task };
        provider.announce(&format!("{}keys", provider.url()));
        provider
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn settings(&self) -> IssuerSettings {
        IssuerSettings::new("default", self.url(), "dezky")
    }

    fn answer(&self, path: &str, headers: &str, body: impl Into<Vec<u8>>) {
        self.answers.lock().unwrap().insert(path.to_owned(), (headers.to_owned(), body.into()));
    }

    fn announce(&self, jwks_uri: &str) {
        self.answer("/.well-known/openid-configuration", "", self.discovery(jwks_uri));
    }

    fn discovery(&self, jwks_uri: &str) -> String {
        json!({ "issuer": self.url(), "jwks_uri": jwks_uri }).to_string()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, answers: Answers, connections: Arc<AtomicUsize>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        connections.fetch_add(1, Ordering::SeqCst);
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap_or(0);
        let request = String::from_utf8_lossy(&request[..length]).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default();
        let answer = answers.lock().unwrap().get(path).cloned();
        let (head, body) = match answer {
            Some((headers, body)) => (format!("HTTP/1.1 200 OK\r\n{headers}"), body),
            None => ("HTTP/1.1 404 Not Found\r\n".to_owned(), Vec::new()),
        };
        let head = format!("{head}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
        // The client may have stopped reading.
        let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
        let _ = stream.shutdown().await;
    }
}

/// Returns a key set with one usable key.
async fn keys() -> String {
    let options = DevelopmentIssuerOptions { family: KeyFamily::P256, ..Default::default() };
    DevelopmentIssuer::start_with(options).await.unwrap().jwks().to_string()
}

async fn fetch(settings: &IssuerSettings) -> Result<usize, FetchError> {
    let body = HttpKeySource::new(None).unwrap().fetch(settings).await?;
    Ok(KeySet::from_json(&body).unwrap().len())
}

#[tokio::test]
async fn keys_are_fetched_from_the_own_origin_and_from_hosts_of_the_settings() {
    let (provider, other) = (Provider::start().await, Provider::start().await);
    provider.answer("/keys", "", keys().await);
    other.answer("/keys", "", keys().await);
    assert_eq!(fetch(&provider.settings()).await, Ok(1));
    let (own, foreign) = (provider.address, other.address);
    for announced in [
        format!("http://{foreign}/keys"),
        format!("http://{own}@{foreign}/keys"),
        format!("http://localhost:{}/keys", foreign.port()),
        format!("http://2130706433:{}/keys", foreign.port()),
        format!("http://[::ffff:127.0.0.1]:{}/keys", foreign.port()),
        format!("https://{own}/keys"),
        "https://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        provider.announce(&announced);
        let error = fetch(&provider.settings()).await.unwrap_err();
        assert_eq!(error.kind, FetchErrorKind::Forbidden, "{announced}: {error}");
        assert!(error.message.contains("`jwks_hosts` of issuer `default`"), "{error}");
    }
    assert_eq!(other.connections(), 0);
    provider.announce(&format!("http://{foreign}/keys"));
    let mut settings = provider.settings();
    settings.jwks_hosts = vec!["127.0.0.1".to_owned()];
    assert!(fetch(&settings).await.is_err(), "another port is another place");
    settings.jwks_hosts = vec![foreign.to_string()];
    settings.validate().unwrap();
    assert_eq!(fetch(&settings).await, Ok(1));
}

/// Resolves one name to these addresses.
#[derive(Debug)]
struct Names(Vec<IpAddr>);

#[async_trait]
impl Lookup for Names {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if host == "auth.example.eu" { Ok(self.0.clone()) } else { Err(io::Error::other("there is no such host")) }
    }
}

fn source(addresses: &[&str]) -> HttpKeySource {
    let names = Names(addresses.iter().map(|address| address.parse().unwrap()).collect());
    HttpKeySource::new(None).unwrap().without_proxies().with_lookup(Arc::new(names))
}

#[tokio::test]
async fn a_name_with_private_addresses_is_not_connected_to_unless_that_is_configured() {
    let listener = Provider::start().await;
    let by_discovery =
        IssuerSettings::new("default", format!("https://auth.example.eu:{}/", listener.address.port()), "dezky");
    let mut by_uri = IssuerSettings::new("default", "https://other.example.eu/", "dezky");
    by_uri.jwks = JwksSource::Uri(by_discovery.urls[0].clone());
    for addresses in [
        &["127.0.0.1"][..],
        &["::ffff:127.0.0.1"],
        &["10.0.0.5", "fd00::5"],
        &["169.254.169.254"],
        &["100.64.0.1", "0.0.0.0", "::", "224.0.0.1", "192.168.0.1", "::1", "fe80::1"],
    ] {
        for settings in [&by_discovery, &by_uri] {
            let error = source(addresses).fetch(settings).await.unwrap_err();
            assert_eq!(error.kind, FetchErrorKind::Forbidden, "{addresses:?}: {error}");
            let told = ["auth.example.eu", addresses[0], "`private_addresses = true`", "DEZKY_OIDC_PRIVATE_ADDRESSES"];
            assert!(told.iter().all(|text| error.message.contains(text)), "{error}");
        }
    }
    assert_eq!(listener.connections(), 0);
    for mut settings in [by_discovery, by_uri] {
        settings.private_addresses = true;
        // The server there does not speak TLS.
        let error = source(&["127.0.0.1"]).fetch(&settings).await.unwrap_err();
        assert_eq!(error.kind, FetchErrorKind::Unreachable, "{error}");
    }
    assert_eq!(listener.connections(), 2);
}

#[tokio::test]
async fn plain_http_on_this_machine_is_not_for_issuers_elsewhere() {
    let listener = Provider::start().await;
    listener.answer("/keys", "", keys().await);
    for url in ["https://auth.example.eu/", "https://127.0.0.1:9/", "https://localhost:9/"] {
        let mut settings = IssuerSettings::new("default", url, "dezky");
        settings.jwks = JwksSource::Uri(format!("{}keys", listener.url()));
        settings.private_addresses = true;
        assert_eq!(fetch(&settings).await.unwrap_err().kind, FetchErrorKind::Forbidden);
    }
    assert_eq!(listener.connections(), 0);
}

#[tokio::test]
async fn who_sends_a_token_hears_nothing_of_why_keys_could_not_be_fetched() {
    let issuer = DevelopmentIssuer::start().await.unwrap();
    let provider = Provider::start().await;
    for announced in [
        "https://vault.internal.example/keys".to_owned(),
        "https://10.20.30.40/keys".to_owned(),
        format!("{}nothing", provider.url()),
    ] {
        provider.announce(&announced);
        let (settings, options) = (vec![provider.settings()], VerifierOptions::default());
        let source = Arc::new(HttpKeySource::new(None).unwrap());
        let verifier = Verifier::new(settings, source, Arc::new(NoArchive), Arc::new(SystemClock), options).unwrap();
        let token = issuer.mint(&issuer.claims("anna").with("iss", provider.url()));
        let error = verifier.verify(&RequestContext::new("test"), &token).await.unwrap_err();
        assert_eq!(error.code(), "issuer_unavailable");
        let secrets = ["vault", "10.20.30.40", "404", "127.0.0.1", "jwks", "http", "private"];
        assert!(!secrets.iter().any(|text| error.message().contains(text)), "{announced}: {error}");
        assert!(verifier.key_status()[0].last_error.is_some(), "the operator does");
    }
}

/// Encodes a body as its headers announce.
type Encode<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn deflate(body: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn bodies_that_come_compressed_or_with_a_mark_are_read() {
    let provider = Provider::start().await;
    let (keys, discovery) =
        (keys().await.into_bytes(), provider.discovery(&format!("{}keys", provider.url())).into_bytes());
    let marked = |body: &[u8]| [b"\xef\xbb\xbf", body].concat();
    let ways: [(&str, Encode<'_>); 11] = [
        ("", &<[u8]>::to_vec),
        ("", &marked),
        ("content-encoding: gzip\r\n", &gzip),
        ("Content-Encoding: GZIP\r\n", &gzip),
        ("content-encoding: x-gzip\r\n", &gzip),
        ("content-encoding: deflate\r\n", &zlib),
        ("content-encoding: deflate\r\n", &deflate),
        ("content-encoding: gzip\r\n", &|body| gzip(&marked(body))),
        ("content-encoding: deflate, gzip\r\n", &|body| gzip(&zlib(body))),
        ("content-encoding: gzip\r\ncontent-encoding: identity\r\n", &gzip),
        // Several members form one body (RFC 1952, section 2.2).
        ("content-encoding: gzip\r\n", &|body| [gzip(&body[..9]), gzip(&body[9..])].concat()),
    ];
    for (headers, encode) in ways {
        provider.answer("/.well-known/openid-configuration", headers, encode(&discovery));
        provider.answer("/keys", headers, encode(&keys));
        assert_eq!(fetch(&provider.settings()).await, Ok(1), "{headers:?}");
    }
}

#[tokio::test]
async fn bodies_that_are_too_large_or_broken_once_decompressed_are_told_apart() {
    let provider = Provider::start().await;
    let keys = keys().await.into_bytes();
    let zeros = vec![b' '; 8 * 1024 * 1024];
    let cut = gzip(&keys);
    for (headers, body, told) in [
        ("content-encoding: gzip\r\n", gzip(&zeros), "more than 1 MiB"),
        ("content-encoding: deflate\r\n", zlib(&zeros), "more than 1 MiB"),
        ("content-encoding: gzip, gzip\r\n", gzip(&gzip(&zeros)), "more than 1 MiB"),
        ("", zeros, "more than 1 MiB"),
        ("content-encoding: gzip\r\n", keys.clone(), "is not what its `Content-Encoding` says"),
        ("content-encoding: deflate\r\n", keys.clone(), "is not what its `Content-Encoding` says"),
        ("content-encoding: gzip\r\n", cut[..cut.len() - 9].to_vec(), "is not what its `Content-Encoding` says"),
        ("content-encoding: br\r\n", keys.clone(), "is not known"),
        ("content-encoding: gzip, gzip, gzip\r\n", gzip(&gzip(&gzip(&keys))), "is not known"),
    ] {
        provider.answer("/keys", headers, body);
        let error = fetch(&provider.settings()).await.unwrap_err();
        assert_eq!(error.kind, FetchErrorKind::Misconfigured, "{headers:?}: {error}");
        assert!(error.message.contains(told), "{error}");
    }
}
