//! The sockets of the development issuer.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, header};
use http_body_util::Full;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
#[cfg(feature = "test-kit")]
use tokio_rustls::TlsAcceptor;

use super::{Behaviour, state::State};

/// Transport below HTTP.
#[derive(Clone)]
pub(super) enum Transport {
    /// TCP without TLS.
    Plain,
    /// TLS with this certificate.
    #[cfg(feature = "test-kit")]
    Tls(TlsAcceptor),
}

impl Transport {
    /// Returns the URL scheme.
    pub(super) fn scheme(&self) -> &'static str {
        match self {
            Self::Plain => "http",
            #[cfg(feature = "test-kit")]
            Self::Tls(_) => "https",
        }
    }
}

/// Accepts connections until aborted, which also ends the connections.
pub(super) async fn serve(listener: TcpListener, transport: Transport, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                connections.spawn(connection(stream, transport.clone(), state.clone()));
            }
            // Most likely out of file descriptors; others will be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(stream: TcpStream, transport: Transport, state: Arc<State>) {
    if state.behaviour() == Behaviour::Outage {
        return;
    }
    match transport {
        Transport::Plain => exchange(stream, state).await,
        // A client that does not trust the certificate aborts the handshake, which is fine.
        #[cfg(feature = "test-kit")]
        Transport::Tls(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                exchange(stream, state).await;
            }
        }
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(mut stream: S, state: Arc<State>) {
    if state.behaviour() == Behaviour::Truncated {
        truncated(&mut stream, &state).await;
        return;
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(answer(request.uri().path(), &state).await) }
    });
    // Each connection serves one request, so that a new behaviour applies from the next request on. Clients that leave
    // early are ignored.
    let _ = hyper::server::conn::http1::Builder::new()
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(path: &str, state: &State) -> Response<Full<Bytes>> {
    let (status, kind, body, location) = if path == state.discovery_path() {
        let body = json!({
            "issuer": state.announced_issuer(),
            "jwks_uri": state.jwks_url,
            "authorization_endpoint": format!("{}authorize/", state.issuer_url),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        (200, "application/json", body.to_string(), None)
    } else if path == state.jwks_path() {
        state.count_fetch();
        state.pass_gate().await;
        let behaviour = state.behaviour();
        let (status, kind, body) = behaviour.answer(|| state.published());
        let location = if let Behaviour::Redirect(url) = behaviour { Some(url) } else { None };
        (status, kind, body, location)
    } else {
        (404, "text/plain", "there is nothing here".to_owned(), None)
    };
    let mut response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
    if let Some(location) = location {
        response = response.header(header::LOCATION, location);
    }
    response.body(Full::from(body)).unwrap_or_default()
}

/// Serves discovery as usual and half of the key set.
async fn truncated<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, state: &State) {
    let mut request = vec![0; 4096];
    let Ok(length) = stream.read(&mut request).await else { return };
    let request = String::from_utf8_lossy(request.get(..length).unwrap_or_default()).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let complete = path != state.jwks_path();
    let response = answer(path, state).await;
    let body = http_body_util::BodyExt::collect(response.into_body()).await.map(http_body_util::Collected::to_bytes);
    let Ok(body) = body;
    let sent = if complete { body.len() } else { body.len() / 2 };
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    // The client may have left; then nobody is waiting.
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(body.get(..sent).unwrap_or_default()).await;
    let _ = stream.shutdown().await;
}
