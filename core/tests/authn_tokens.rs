//! Tests the token policy as a table: `tokens/policy.json` (each case with the rule that it comes from), and the
//! signature examples of RFC 7520 in `tokens/rfc7520.json`.
//!
//! A case starts from a genuine ES256 token of an issuer that publishes an EC and an RSA key, and changes it. `sign`
//! uses another algorithm; `header` and `payload` replace the genuine texts; `headerWith` and `payloadWith` set
//! members; `without` removes claims; `headerAdd` and `payloadAdd` insert text before the members; `payloadBytes`
//! (base64) replaces the whole payload; and `times` sets claims to JSON text. Then it is signed. `shape` joins the
//! segments, `trailingBits` encodes a segment with nonzero unused bits, and `forge` uses a forgery instead. `keys`
//! lists the published keys: keys `like` others, in which `null` removes a member, `"{null}"` writes `null`, and `add`
//! inserts text in front. `profile` is the issuer's. `expect` is `ok` or the code.
#![cfg(feature = "test-kit")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::{collections::BTreeMap, sync::Arc};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use dezky::{
    Error,
    authn::{IssuerSettings, Profile, keys::KeySet, token::Algorithm, token::KeyFamily, verify_signature, verify_with},
    clock::{Clock as _, Timestamp},
    test_kit::{DevelopmentIssuer, DevelopmentIssuerOptions, ManualClock},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

const NOW: i64 = 1_772_366_400;

/// A modulus of two primes generated as by Infineon's library (`k·M + (65537^a mod M)`, with the product of the first
/// 126 primes as `M`).
const ROCA: &str = "uiyrVcNOJRdEm80HA6lG2gPw1zNP9p6t-7AkbfUs9phFgCpthEErhvSLqQ6t3AYKVBqHGJ6JFgObP2Zu2ieCPzm2LcT85djoOD0NrO8uP0cFk0_oGtc4MjAGxbA4NSHgOlnQLqcHdbpBWeCCbfl1_jQqKR5HZXNAx3L-fmWKEF-t_2vEWZ7iC0T88eYtvUd31ZtapDhr-VZrA3zQUDllHzrzdOmo9BwrvIrRFHrIHqxIa75whoLOnX4wNe22qdbat7nGxsKJZsBQWAEbDsy3nEJjVAgpmhWem1bKYjYNFY5xQhcO1TsWBLkdGfOf-s_JzP1b4Xt6dI7zDctLuIIvqw";

/// A modulus that is a power of 65537 modulo each small prime, with contradictory exponents.
const NEAR_ROCA: &str = "gAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP74-GTzY7OioQCuaVNg4SadkJbwr6dQ7OfbzPMgY77q_Cwow";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "notes")]
    _notes: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    name: String,
    rule: String,
    expect: String,
    sign: Option<String>,
    header: Option<String>,
    #[serde(default)]
    header_with: Map<String, Value>,
    header_add: Option<String>,
    payload: Option<String>,
    #[serde(default)]
    payload_with: Map<String, Value>,
    payload_add: Option<String>,
    payload_bytes: Option<String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    times: BTreeMap<String, String>,
    shape: Option<String>,
    trailing_bits: Option<String>,
    forge: Option<String>,
    keys: Option<Vec<Map<String, Value>>>,
    #[serde(default)]
    profile: Profile,
}

struct Fixture {
    issuer: DevelopmentIssuer,
    settings: IssuerSettings,
    /// Keys of other issuers on the same curve.
    strangers: Vec<Value>,
    clock: Arc<ManualClock>,
}

/// Starts an issuer on P-256, which also publishes an RSA key, others, and a key of another issuer.
async fn fixture() -> Fixture {
    let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(NOW)));
    let start = || {
        let options = DevelopmentIssuerOptions { family: KeyFamily::P256, clock: clock.clone(), ..Default::default() };
        DevelopmentIssuer::start_with(options)
    };
    let issuer = start().await.unwrap();
    for algorithm in [Algorithm::Rs256, Algorithm::Es384, Algorithm::EdDsa] {
        assert!(!issuer.key_id(algorithm).is_empty());
    }
    let mut strangers = Vec::new();
    for _ in 0..4 {
        strangers.push(start().await.unwrap().jwks()["keys"][0].clone());
    }
    Fixture { settings: issuer.settings("default"), issuer, strangers, clock }
}

impl Fixture {
    fn jwk(&self, algorithm: Algorithm) -> Value {
        let key_id = self.issuer.key_id(algorithm);
        let keys = self.issuer.jwks()["keys"].as_array().unwrap().clone();
        keys.into_iter().find(|key| key["kid"] == key_id.as_str()).unwrap()
    }

    /// Replaces placeholders in braces: times, key ids, and long texts.
    fn fill(&self, text: &str) -> String {
        let mut filled = text.to_owned();
        let (es256, rs256) = (self.issuer.key_id(Algorithm::Es256), self.issuer.key_id(Algorithm::Rs256));
        for (name, value) in [
            ("{kid}", es256.as_str()),
            ("{kid:ES256}", &es256),
            ("{kid:RS256}", &rs256),
            ("{KID}", &swapped_case(&es256)),
            ("{iss}", self.issuer.url()),
            ("{roca}", ROCA),
            ("{near roca}", NEAR_ROCA),
            ("{y}", self.jwk(Algorithm::Es256)["y"].as_str().unwrap()),
        ] {
            filled = filled.replace(name, value);
        }
        for (opening, value) in [
            ("{now", (|shift| (NOW + shift).to_string()) as fn(i64) -> String),
            ("{deep:", |depth| nested(depth.unsigned_abs() as usize)),
            ("{x:", |count| "x".repeat(count.unsigned_abs() as usize)),
            ("{modulus:", |bits| modulus(bits.unsigned_abs() as usize)),
        ] {
            while let Some((before, rest)) = filled.split_once(opening) {
                let (number, after) = rest.split_once('}').unwrap();
                let number = if number.is_empty() { 0 } else { number.parse().unwrap() };
                filled = format!("{before}{}{after}", value(number));
            }
        }
        filled
    }

    fn fill_value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if text == "{jwk}" => self.jwk(Algorithm::Es256),
            Value::String(text) if text == "{null}" => Value::Null,
            Value::String(text) => Value::String(self.fill(text)),
            Value::Array(items) => items.iter().map(|item| self.fill_value(item)).collect(),
            other => other.clone(),
        }
    }

    fn header(&self, case: &Case, algorithm: Algorithm) -> String {
        if let Some(header) = &case.header {
            return self.fill(header);
        }
        let mut header = self.issuer.header(algorithm);
        for (name, value) in &case.header_with {
            header[name] = self.fill_value(value);
        }
        self.with_text(&header, case.header_add.as_deref())
    }

    fn payload(&self, case: &Case) -> Vec<u8> {
        if let Some(bytes) = &case.payload_bytes {
            return STANDARD.decode(bytes).unwrap();
        }
        if let Some(payload) = &case.payload {
            return self.fill(payload).into_bytes();
        }
        let mut claims = self.issuer.claims("anna").json();
        for (name, value) in &case.payload_with {
            claims[name] = self.fill_value(value);
        }
        let claims_map = claims.as_object_mut().unwrap();
        for name in case.without.iter().chain(case.times.keys()) {
            claims_map.remove(name);
        }
        let times = case.times.iter().map(|(name, text)| format!("\"{name}\":{}", self.fill(text)));
        let added: Vec<String> = times.chain(case.payload_add.iter().cloned()).collect();
        let added = Some(added.join(",")).filter(|added| !added.is_empty());
        self.with_text(&claims, added.as_deref()).into_bytes()
    }

    fn with_text(&self, object: &Value, added: Option<&str>) -> String {
        match added {
            Some(added) => format!("{{{},{}", self.fill(added), &object.to_string()[1..]),
            None => object.to_string(),
        }
    }

    fn token(&self, case: &Case) -> String {
        let algorithm = case.sign.as_deref().map_or(Algorithm::Es256, |name| Algorithm::from_name(name).unwrap());
        let claims = self.issuer.claims("anna");
        let token = match case.forge.as_deref() {
            Some("symmetric") => self.issuer.forge_symmetric(&claims),
            Some("signature") => self.issuer.forge_signature(&claims),
            Some(other) => panic!("no forgery is called `{other}`"),
            None => self.issuer.mint_raw(&self.header(case, algorithm), &self.payload(case), algorithm),
        };
        let segments: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let [header, payload, signature] = segments;
        if let Some(segment) = &case.trailing_bits {
            let position = ["header", "payload", "signature"].iter().position(|name| name == segment).unwrap();
            let mut segments = segments.map(str::to_owned);
            segments[position] = with_trailing_bits(&segments[position]);
            return segments.join(".");
        }
        let Some(shape) = &case.shape else { return token };
        let shape = shape.replace("{header}", header).replace("{payload}", payload).replace("{signature}", signature);
        self.fill(&shape)
    }

    fn keys(&self, case: &Case) -> Result<KeySet, Error> {
        let Some(keys) = &case.keys else {
            return Ok(KeySet::from_json(self.issuer.jwks().to_string().as_bytes())?);
        };
        let keys: Vec<String> = keys.iter().map(|key| self.published(key)).collect();
        Ok(KeySet::from_json(format!("{{\"keys\":[{}]}}", keys.join(",")).as_bytes())?)
    }

    fn published(&self, changes: &Map<String, Value>) -> String {
        let mut key = match changes["like"].as_str().unwrap() {
            "genuine" => self.jwk(Algorithm::Es256),
            "rsa" => self.jwk(Algorithm::Rs256),
            "edwards" => self.jwk(Algorithm::EdDsa),
            "stranger" => self.strangers[0].clone(),
            "stranger 2" => self.strangers[1].clone(),
            "stranger 3" => self.strangers[2].clone(),
            "stranger 4" => self.strangers[3].clone(),
            "text" => return "\"no key\"".to_owned(),
            other => panic!("no key is called `{other}`"),
        };
        for (name, value) in changes.iter().filter(|(name, _)| !["like", "add"].contains(&name.as_str())) {
            match value {
                Value::Null => drop(key.as_object_mut().unwrap().remove(name)),
                // A token signed with another key than this one has that key's `kid`.
                value => key[name] = self.fill_value(value),
            }
        }
        self.with_text(&key, changes.get("add").map(|text| text.as_str().unwrap()))
    }

    fn outcome(&self, case: &Case) -> String {
        let settings = IssuerSettings { profile: case.profile, ..self.settings.clone() };
        let outcome =
            self.keys(case).and_then(|keys| verify_with(&settings, &keys, self.clock.now(), &self.token(case)));
        outcome.map_or_else(|error| error.code().to_owned(), |_| "ok".to_owned())
    }
}

fn swapped_case(text: &str) -> String {
    let swap =
        |letter: char| if letter.is_lowercase() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() };
    text.chars().map(swap).collect()
}

fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

/// Returns a modulus of this many bits, all of them set.
fn modulus(bits: usize) -> String {
    let mut bytes = vec![0xff_u8; bits.div_ceil(8)];
    bytes[0] = 0xff >> (bytes.len() * 8 - bits);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Returns another encoding of the same bytes, for decoders that ignore the last bits.
///
/// If the last character has no unused bits, spaces are appended to the JSON until it has.
fn with_trailing_bits(segment: &str) -> String {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bytes = URL_SAFE_NO_PAD.decode(segment).unwrap();
    while bytes.len().is_multiple_of(3) {
        bytes.push(b' ');
    }
    let mut text = URL_SAFE_NO_PAD.encode(&bytes);
    let last = ALPHABET.find(text.pop().unwrap()).unwrap();
    text.push_str(&ALPHABET[last + 1..last + 2]);
    text
}

#[tokio::test]
async fn each_token_gets_the_answer_that_its_rule_demands() {
    let fixture = fixture().await;
    let table: Table = serde_json::from_str(include_str!("tokens/policy.json")).unwrap();
    let mut wrong = Vec::new();
    for case in &table.cases {
        let outcome = fixture.outcome(case);
        if outcome != case.expect {
            wrong.push(format!("{} ({}): expected {}, got {outcome}", case.name, case.rule, case.expect));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), table.cases.len(), wrong.join("\n"));
}

#[tokio::test]
async fn every_code_of_an_access_token_is_in_the_table() {
    let table: Table = serde_json::from_str(include_str!("tokens/policy.json")).unwrap();
    let documented = include_str!("../src/authn/refusal.rs").lines().filter_map(|line| {
        let code = line.strip_prefix("//! | `")?.split('`').next()?;
        code.starts_with("token_").then_some(code)
    });
    // This one requires a logout token, which `authn_logout.rs` tests.
    for code in documented.filter(|code| *code != "token_is_not_logout_token") {
        assert!(table.cases.iter().any(|case| case.expect == code), "no case shows {code}");
    }
}

#[derive(Deserialize)]
struct Cookbook {
    payload: String,
    keys: Vec<Value>,
    examples: Vec<Example>,
}

#[derive(Deserialize)]
struct Example {
    section: String,
    title: String,
    compact: String,
    result: String,
}

#[test]
fn the_signature_examples_of_rfc_7520_verify_where_their_algorithm_is_accepted() {
    let cookbook: Cookbook = serde_json::from_str(include_str!("tokens/rfc7520.json")).unwrap();
    let keys = KeySet::from_json(json!({ "keys": cookbook.keys }).to_string().as_bytes()).unwrap();
    assert_eq!(keys.len(), 1, "neither the P-521 key nor the symmetric one is of use");
    let mut verified = 0;
    for Example { section, title, compact, result } in &cookbook.examples {
        match verify_signature(compact, &keys) {
            Ok(payload) => {
                assert_eq!(
                    (result.as_str(), payload.as_slice()),
                    ("verifies", cookbook.payload.as_bytes()),
                    "{section} {title}"
                );
                let (rest, signature) = compact.rsplit_once('.').unwrap();
                let other = format!("{rest}.{}{}", if signature.starts_with('A') { 'B' } else { 'A' }, &signature[1..]);
                assert_eq!(verify_signature(&other, &keys).unwrap_err().code(), "token_signature", "{section} {title}");
                verified += 1;
            }
            Err(error) => assert_eq!(error.code(), result, "{section} {title}"),
        }
    }
    assert_eq!(verified, 3);
}
