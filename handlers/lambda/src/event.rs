//! Preparation of events before they become requests.

use http::{
    HeaderMap, HeaderName,
    header::{self, Entry},
};
use lambda_http::request::LambdaRequest;

/// Header name that carries the request's host through the conversion.
pub(crate) const KEPT_HOST: HeaderName = HeaderName::from_static("x-dezky-kept-host");

/// Removes what the conversion would fail on or lose.
pub(crate) fn sound(mut event: LambdaRequest) -> LambdaRequest {
    match &mut event {
        LambdaRequest::ApiGatewayV1(proxy) => {
            single(&mut proxy.headers, &mut proxy.multi_value_headers);
            plain(&mut proxy.headers, &mut proxy.path);
        }
        LambdaRequest::ApiGatewayV2(http) => plain(&mut http.headers, &mut http.raw_path),
        LambdaRequest::Alb(balancer) => {
            single(&mut balancer.headers, &mut balancer.multi_value_headers);
            plain(&mut balancer.headers, &mut balancer.path);
        }
        // No other kind is compiled in; the runtime refuses unreadable events.
        _ => {}
    }
    event
}

/// Keeps headers in one of the two maps. If both are present, the first has only the last value of each and would win.
fn single(last: &mut HeaderMap, all: &mut HeaderMap) {
    if !all.is_empty() {
        *last = std::mem::take(all);
    }
}

/// Renames all lines of a header.
pub(crate) fn rename(headers: &mut HeaderMap, from: HeaderName, to: HeaderName) {
    if let Entry::Occupied(entry) = headers.entry(from) {
        let (_, lines) = entry.remove_entry_mult();
        let lines: Vec<_> = lines.collect();
        for line in lines {
            headers.append(to.clone(), line);
        }
    }
}

/// Keeps client-controlled text out of the URL that the conversion parses and expects to be valid.
fn plain(headers: &mut HeaderMap, path: &mut Option<String>) {
    headers.remove("x-forwarded-proto");
    headers.remove(KEPT_HOST);
    rename(headers, header::HOST, KEPT_HOST);
    if let Some(path) = path.as_mut().filter(|path| !path.starts_with('/')) {
        path.insert(0, '/');
    }
}
