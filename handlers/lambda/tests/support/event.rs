//! Converts requests to the events of each front, and responses to each front's answers.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use serde_json::{Map, Value, json};

/// The front of the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Front {
    /// API Gateway, REST: payload 1.0.
    Rest,
    /// API Gateway, HTTP: payload 2.0, with a stage before the path.
    Http,
    /// A function URL: payload 2.0.
    FunctionUrl,
    /// An Application Load Balancer with multi-value headers.
    Balancer,
    /// An Application Load Balancer by default, which passes the last of repeated headers and parameters.
    BalancerLast,
}

impl Front {
    pub(crate) const ALL: [Self; 5] = [Self::Rest, Self::Http, Self::FunctionUrl, Self::Balancer, Self::BalancerLast];

    /// Returns the event of a request. Bodies that are not text are encoded in base64, and all if `encode`.
    pub(crate) fn event(self, request: &Request<Bytes>, encode: bool) -> Value {
        let text = std::str::from_utf8(request.body()).ok().filter(|_| !encode);
        let body = match text {
            _ if request.body().is_empty() => Value::Null,
            Some(text) => json!(text),
            None => json!(BASE64_STANDARD.encode(request.body())),
        };
        let encoded = text.is_none() && !request.body().is_empty();
        let (path, query) = (request.uri().path(), request.uri().query().unwrap_or_default());
        let method = request.method().as_str();
        let (last, all) = (last(request.headers()), all(request.headers()));
        match self {
            Self::Rest => {
                let (last_query, all_query) = queries(query, true);
                json!({
                    "resource": "/{proxy+}", "path": path, "httpMethod": method, "headers": last,
                    "multiValueHeaders": all, "queryStringParameters": last_query,
                    "multiValueQueryStringParameters": all_query, "pathParameters": {"proxy": path.trim_start_matches('/')},
                    "stageVariables": null, "body": body, "isBase64Encoded": encoded,
                    "requestContext": {
                        "accountId": "123456789012", "apiId": "abcdef", "resourceId": "xyz", "stage": "prod",
                        "httpMethod": method, "path": format!("/prod{path}"), "resourcePath": "/{proxy+}",
                        "protocol": "HTTP/1.1", "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
                        "requestTimeEpoch": 1_700_000_000_000_i64, "identity": {"sourceIp": "192.0.2.1"},
                    },
                })
            }
            Self::Http => version_2(method, "prod", &format!("/prod{path}"), query, &joined(&all), &body, encoded),
            Self::FunctionUrl => version_2(method, "$default", path, query, &joined(&all), &body, encoded),
            Self::Balancer => json!({
                "requestContext": {"elb": {"targetGroupArn":
                    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/dezky/49e9d65c45c6791a"}},
                "httpMethod": method, "path": path, "multiValueHeaders": all,
                "multiValueQueryStringParameters": queries(query, false).1, "body": body, "isBase64Encoded": encoded,
            }),
            Self::BalancerLast => json!({
                "requestContext": {"elb": {"targetGroupArn":
                    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/dezky/49e9d65c45c6791a"}},
                "httpMethod": method, "path": path, "headers": last, "queryStringParameters": queries(query, false).0,
                "body": body, "isBase64Encoded": encoded,
            }),
        }
    }

    /// Returns the answer that the front gives for the function's response.
    pub(crate) fn answer(self, said: &[u8]) -> Response<Bytes> {
        let said: Value = serde_json::from_slice(said).unwrap();
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = u16::try_from(said["statusCode"].as_u64().unwrap()).unwrap().try_into().unwrap();
        let headers = response.headers_mut();
        for (name, value) in said["headers"].as_object().into_iter().flatten() {
            headers
                .insert(HeaderName::try_from(name).unwrap(), HeaderValue::from_str(value.as_str().unwrap()).unwrap());
        }
        // Without multi-value headers a balancer reads only the others.
        let all = said["multiValueHeaders"].as_object().filter(|_| self != Self::BalancerLast);
        for (name, values) in all.into_iter().flatten() {
            let name = HeaderName::try_from(name).unwrap();
            headers.remove(&name);
            for value in values.as_array().unwrap() {
                headers.append(name.clone(), HeaderValue::from_str(value.as_str().unwrap()).unwrap());
            }
        }
        let body = said["body"].as_str().unwrap_or_default();
        *response.body_mut() = match said["isBase64Encoded"] == true {
            true => BASE64_STANDARD.decode(body).unwrap().into(),
            false => Bytes::copy_from_slice(body.as_bytes()),
        };
        response
    }
}

fn version_2(
    method: &str,
    stage: &str,
    path: &str,
    query: &str,
    headers: &Map<String, Value>,
    body: &Value,
    encoded: bool,
) -> Value {
    let mut event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query, "headers": headers,
        "isBase64Encoded": encoded,
        "requestContext": {
            "accountId": "123456789012", "apiId": "abcdef", "domainName": "abcdef.lambda-url.eu-central-1.on.aws",
            "domainPrefix": "abcdef", "routeKey": "$default", "stage": stage, "requestId": "id",
            "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1_773_342_238_000_i64,
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "cases"},
        },
    });
    if !body.is_null() {
        event["body"] = body.clone();
    }
    event
}

fn text(value: &HeaderValue) -> Value {
    json!(String::from_utf8_lossy(value.as_bytes()))
}

fn last(headers: &HeaderMap) -> Map<String, Value> {
    headers.keys().map(|name| (name.to_string(), text(headers.get_all(name).iter().next_back().unwrap()))).collect()
}

fn all(headers: &HeaderMap) -> Map<String, Value> {
    let values = |name| headers.get_all(name).iter().map(text).collect::<Vec<_>>();
    headers.keys().map(|name| (name.to_string(), Value::Array(values(name)))).collect()
}

/// Payload 2.0 joins the values of a header by commas.
fn joined(all: &Map<String, Value>) -> Map<String, Value> {
    let join = |values: &Value| {
        values.as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect::<Vec<_>>().join(",")
    };
    all.iter().map(|(name, values)| (name.clone(), json!(join(values)))).collect()
}

/// Parses a query into the last value of each parameter, and all values. REST gateways decode them, balancers do not.
fn queries(query: &str, decode: bool) -> (Map<String, Value>, Map<String, Value>) {
    let (mut last, mut all) = (Map::new(), Map::new());
    let decoded = |text: &str| match decode {
        true => {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text).decode_utf8_lossy().into_owned()
        }
        false => text.to_owned(),
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), json!(decoded(value)));
        last.insert(name.clone(), value.clone());
        all.entry(name).or_insert_with(|| json!([])).as_array_mut().unwrap().push(value);
    }
    (last, all)
}

/// Returns `true` if two parameters of the query have the same name.
pub(crate) fn repeats_a_parameter(request: &Request<Bytes>) -> bool {
    let names: Vec<&str> =
        request.uri().query().unwrap_or_default().split('&').filter_map(|pair| pair.split('=').next()).collect();
    names.iter().enumerate().any(|(position, name)| names[..position].contains(name))
}
