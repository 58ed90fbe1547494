//! A server that answers what it is told to and records what it is asked.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Body, extract::Request as Asked, response::Response as Answer};
use bytes::Bytes;
use dezky::{
    context::RequestContext,
    outbound::{AllowedAddresses, Client, OutboundOptions, PlainHttp, RetryPolicy},
};
use http::{HeaderMap, Method};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Arrived {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) struct Server {
    pub(crate) url: Url,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Starts a server; the function gets the request and its number, from 0.
    pub(crate) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(Arrived, usize) -> A + Clone + Send + Sync + 'static,
        A: Future<Output = Answer> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let arrived = Arc::<Mutex<Vec<Arrived>>>::default();
        let recorded = Arc::clone(&arrived);
        let router = Router::new().fallback(move |request: Asked| {
            let (answer, recorded) = (answer.clone(), Arc::clone(&recorded));
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let (method, headers) = (parts.method, parts.headers);
                let request = Arrived { method, target: parts.uri.to_string(), headers, body };
                let number = {
                    let mut recorded = recorded.lock().unwrap();
                    recorded.push(request.clone());
                    recorded.len() - 1
                };
                answer(request, number).await
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, arrived, task }
    }

    /// Starts a server that gives the same answer to everything.
    pub(crate) async fn answering(status: u16, headers: &[(&'static str, &str)], body: impl Into<Bytes>) -> Self {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let body = body.into();
        Self::start(move |_, _| {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            std::future::ready(answer(status, &headers, body.clone()))
        })
        .await
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: impl Into<Body>) -> Answer {
    let mut answer = Answer::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(body.into()).unwrap()
}

/// Options for servers on this machine, without retries.
pub(crate) fn local() -> OutboundOptions {
    OutboundOptions {
        addresses: AllowedAddresses::LOOPBACK,
        plain_http: PlainHttp::OnLoopback,
        retries: RetryPolicy::NONE,
        ..OutboundOptions::default()
    }
}

pub(crate) fn client() -> Client {
    Client::new(local())
}

pub(crate) fn context() -> RequestContext {
    RequestContext::system("test")
}
