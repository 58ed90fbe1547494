//! The emulator is held to recordings of a running system: each recorded request, in order, has the recorded answer.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use dezky::{
    clock::Timestamp,
    connectors::Secret,
    emulators::{Emulated as _, Exchange, ocis::OcisSystem},
};
use http::{HeaderMap, HeaderName, Response};
use serde::Deserialize;
use serde_json::Value;

use crate::pattern::{Exactness, Symbols, compare};

/// A recorded request and its answer, or a change that was not recorded itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    step: String,
    /// Account and password, or a bearer token.
    #[serde(rename = "as")]
    sender: Option<Sender>,
    method: Option<String>,
    path: Option<String>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// A text is a body as it is.
    request: Option<Value>,
    status: Option<u16>,
    /// `Content-Type` of the answer.
    #[serde(rename = "type")]
    media_type: Option<String>,
    /// `WWW-Authenticate` of the answer.
    challenge: Option<String>,
    response: Option<Value>,
    #[serde(default)]
    partial: bool,
    #[serde(default)]
    ordered: bool,
    /// Seconds that pass before the request, besides one.
    #[serde(default)]
    after: u64,
    /// By hand: a space, and the bytes in use in it.
    space: Option<String>,
    used: Option<i64>,
    /// By hand: the number of invitations that are lost.
    lose: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Sender {
    Basic(String, String),
    Bearer(String),
}

struct Replay {
    system: OcisSystem,
    symbols: Symbols,
    now: Timestamp,
    replayed: usize,
}

impl Replay {
    fn new() -> Self {
        let secret = Secret::Basic { user: "admin".to_owned(), password: "admin-password".to_owned() };
        let mut symbols = Symbols::default();
        symbols.set("base", "https://localhost:9200");
        let now = "2026-11-29T07:00:00.000Z".parse().unwrap();
        Self { system: OcisSystem::new(&secret), symbols, now, replayed: 0 }
    }

    fn play(&mut self, step: &Step) -> Result<(), String> {
        self.now = self.now.plus(Duration::from_secs(1 + step.after));
        if let Some(number) = step.lose {
            self.system.lose_invitations(number);
            return Ok(());
        }
        if let (Some(space), Some(used)) = (&step.space, step.used) {
            let found = self.system.edit_space(&self.symbols.filled(space), |space| space.used = used);
            return if found { Ok(()) } else { Err("no such space".to_owned()) };
        }
        let answer = self.system.answer(&self.exchange(step));
        self.replayed += usize::from(step.step != "prepare");
        self.check(step, &answer)
    }

    fn exchange(&self, step: &Step) -> Exchange {
        let mut headers = HeaderMap::new();
        for (name, value) in &step.headers {
            headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        let authorization = step.sender.as_ref().map(|sender| match sender {
            Sender::Basic(name, password) => {
                format!("Basic {}", STANDARD.encode(format!("{name}:{}", self.symbols.filled(password))))
            }
            Sender::Bearer(token) => format!("Bearer {}", self.symbols.filled(token)),
        });
        if let Some(authorization) = authorization {
            headers.insert(http::header::AUTHORIZATION, authorization.parse().unwrap());
        }
        let body = match &step.request {
            None => Bytes::new(),
            Some(Value::String(text)) => text.clone().into(),
            Some(value) => self.symbols.filled_in(value).to_string().into(),
        };
        Exchange {
            method: step.method.as_deref().unwrap().parse().unwrap(),
            uri: self.symbols.filled(step.path.as_deref().unwrap()).parse().unwrap(),
            headers,
            body,
            now: self.now,
            listed_until: self.now,
        }
    }

    fn check(&mut self, step: &Step, answer: &Response<Bytes>) -> Result<(), String> {
        let text = String::from_utf8_lossy(answer.body());
        let status = answer.status().as_u16();
        if Some(status) != step.status {
            return Err(format!("recorded {:?}, answered {status}: {text}", step.status));
        }
        for (name, recorded) in [("content-type", &step.media_type), ("www-authenticate", &step.challenge)] {
            let given = answer.headers().get(name).map(|value| value.to_str().unwrap());
            if recorded.is_some() && given != recorded.as_deref() {
                return Err(format!("{name}: recorded {recorded:?}, answered {given:?}"));
            }
        }
        let exactness = Exactness { partial: step.partial, ordered: step.ordered };
        match &step.response {
            None if text.is_empty() => Ok(()),
            None => Err(format!("no body was recorded, answered {text}")),
            Some(Value::String(recorded)) => {
                let given = Value::String(text.into_owned());
                compare(&mut self.symbols, exactness, "", &Value::String(recorded.clone()), &given)
            }
            Some(recorded) => {
                let given: Value = serde_json::from_str(&text).map_err(|error| format!("{error}: {text}"))?;
                compare(&mut self.symbols, exactness, "", recorded, &given)
            }
        }
    }
}

fn replay(recording: &str) -> usize {
    let mut replay = Replay::new();
    let mut wrong = Vec::new();
    for (index, line) in recording.lines().enumerate() {
        let step: Step = serde_json::from_str(line).unwrap_or_else(|error| panic!("line {}: {error}", index + 1));
        if let Err(why) = replay.play(&step) {
            wrong.push(format!("line {} ({}): {why}", index + 1, step.step));
        }
    }
    assert!(wrong.is_empty(), "{} answers are not as recorded:\n{}", wrong.len(), wrong.join("\n"));
    replay.replayed
}

#[test]
fn the_emulator_answers_as_recorded_first() {
    assert_eq!(replay(include_str!("recordings/ocis-7.jsonl")), 59);
}

#[test]
fn the_emulator_answers_as_recorded_later() {
    assert_eq!(replay(include_str!("recordings/ocis-7-more.jsonl")), 451);
}

#[test]
fn a_wrong_answer_is_seen() {
    let line = include_str!("recordings/ocis-7.jsonl").lines().next().unwrap();
    for (right, wrong) in [
        ("\"status\":201", "\"status\":200"),
        ("\"driveType\":\"project\"", "\"driveType\":\"personal\""),
        ("\"state\":\"normal\"", "\"state\":1"),
        ("\"webUrl\"", "\"weburl\""),
        ("\"roles\":[\"manager\"]", "\"roles\":[]"),
    ] {
        let step: Step = serde_json::from_str(&line.replace(right, wrong)).unwrap();
        assert!(Replay::new().play(&step).is_err(), "{wrong}");
    }
}
