//! Runs the cases of a file in sequence, each on its own store.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use serde_json::Value;

use super::{
    Edge, Setup, Stage,
    caller::{Caller, Callers},
    expectation::{self, Answer},
    format::{Case, CaseFile, FormValue, Part, PlatformWork, Step},
    given, stored,
    symbols::Symbols,
};
use crate::{
    authn::{IssuerSettings, token::KeyFamily},
    clock::{Clock, Timestamp},
    service::{Service, ServiceSettings},
    test_kit::{DevelopmentIssuer, DevelopmentIssuerOptions, ManualClock},
};

/// Start time of every case.
const START: Timestamp = Timestamp::from_seconds(1_772_366_400);

/// Maximum number of rounds of background work that a step waits for.
const MAXIMUM_ROUNDS: usize = 100;

/// Parses a file without running it, and returns the number of its cases.
///
/// # Errors
/// The reason why it is not a valid case file.
pub fn check(file: &str, text: &str) -> Result<usize, String> {
    let cases = read(file, text)?;
    let steps = cases.cases.iter().flat_map(|case| case.steps.iter().map(move |step| (case, step)));
    for (case, step) in steps {
        let expect = step.expect.as_ref().map(expectation::read).transpose();
        let caller = step.caller.as_ref().map(Caller::read).transpose();
        expect.map(|_| ()).and(caller.map(|_| ())).map_err(|error| format!("{file} › {}: {error}", case.name))?;
    }
    Ok(cases.cases.len())
}

fn read(file: &str, text: &str) -> Result<CaseFile, String> {
    let cases: CaseFile = serde_json::from_str(text).map_err(|error| format!("{file} is no case file: {error}"))?;
    if cases.cases.is_empty() {
        return Err(format!("{file} ({}) has no cases", cases.name));
    }
    Ok(cases)
}

/// Runs all cases of a file and returns their number.
///
/// # Errors
/// Deviations with file, case and step, or the reason why the file cannot be read.
pub async fn run(file: &str, text: &str, stage: &dyn Stage) -> Result<usize, String> {
    summary(file, &outcomes(file, text, stage).await?)
}

/// The name of each case, with its failure if it failed.
pub(super) type Outcomes = Vec<(String, Result<(), String>)>;

/// Runs all cases of a file.
///
/// # Errors
/// The reason why the file cannot be read.
pub(super) async fn outcomes(file: &str, text: &str, stage: &dyn Stage) -> Result<Outcomes, String> {
    let mut outcomes = Outcomes::new();
    for case in &read(file, text)?.cases {
        outcomes.push((case.name.clone(), run_case(case, stage).await));
    }
    Ok(outcomes)
}

/// Returns the number of cases if all passed, else the failures.
pub(super) fn summary(file: &str, outcomes: &Outcomes) -> Result<usize, String> {
    let failures: Vec<String> = outcomes
        .iter()
        .filter_map(|(name, outcome)| Some(format!("{file} › {name}\n{}", outcome.as_ref().err()?)))
        .collect();
    match failures.len() {
        0 => Ok(outcomes.len()),
        count => Err(format!("{count} of {} cases failed\n\n{}", outcomes.len(), failures.join("\n\n"))),
    }
}

async fn run_case(case: &Case, stage: &dyn Stage) -> Result<(), String> {
    let mut performance = Performance::begin(case, stage).await.map_err(|error| format!("  setting up: {error}"))?;
    for (position, step) in case.steps.iter().enumerate() {
        let outcome = performance.take(step).await;
        let what = step.request.as_deref().unwrap_or("no request");
        let caller = step.caller.as_ref().map_or_else(|| "nobody".to_owned(), Value::to_string);
        outcome.map_err(|error| format!("  step {} ({what} as {caller})\n{error}", position + 1))?;
    }
    let found = stored::check(&case.after, &performance.symbols, &*performance.setup.store).await;
    report(found.map_err(|error| format!("  afterwards: {error}"))?, "  afterwards")
}

fn report(found: Vec<String>, what: &str) -> Result<(), String> {
    if found.is_empty() { Ok(()) } else { Err(format!("{what}\n    {}", found.join("\n    "))) }
}

struct Performance {
    setup: Setup,
    edge: Box<dyn Edge>,
    platform: Service,
    callers: Callers,
    symbols: Symbols,
    answers: BTreeMap<String, Answer>,
}

impl Performance {
    async fn begin(case: &Case, stage: &dyn Stage) -> Result<Self, String> {
        let failed = |error: crate::Error| error.to_string();
        let clock = Arc::new(ManualClock::at(START));
        let mut callers = Callers::default();
        let mut issuers = Vec::new();
        let default = start_issuer(&clock).await?;
        issuers.push(default.settings(IssuerSettings::DEFAULT_ID));
        callers.add(IssuerSettings::DEFAULT_ID, default);
        for wanted in &case.settings.issuers {
            let issuer = start_issuer(&clock).await?;
            let mut settings = issuer.settings(&wanted.id);
            settings.tenant.clone_from(&wanted.tenant);
            settings.groups = wanted.groups;
            settings.groups_absent = wanted.groups_absent;
            settings.claims.clone_from(&wanted.claims);
            settings.profile = wanted.profile;
            settings.max_token_life = wanted.max_token_life;
            issuers.push(settings);
            callers.add(&wanted.id, issuer);
        }
        let service = ServiceSettings {
            platform_admin_group: case.settings.platform_admin_group.clone(),
            public_domain: case.settings.public_domain.clone(),
            issuer_ids: issuers.iter().map(|issuer| issuer.id.clone()).collect(),
            longest_token_life: IssuerSettings::longest_token_life(&issuers),
            issuers_of_tenants: IssuerSettings::of_tenants(&issuers),
            ..ServiceSettings::default()
        };
        let store = stage.store().await.map_err(failed)?;
        let mut symbols = Symbols::default();
        given::seed(&case.given, &mut symbols, &*store).await?;
        let setup = Setup { store, clock, issuers, service };
        let edge = stage.edge(setup.clone()).await.map_err(failed)?;
        let platform = Service::new(Arc::clone(&setup.store), setup.clock.clone(), setup.service.clone());
        Ok(Self { setup, edge, platform, callers, symbols, answers: BTreeMap::new() })
    }

    async fn take(&mut self, step: &Step) -> Result<(), String> {
        let with_request = !step.headers.is_empty()
            || step.body.is_some()
            || step.raw_body.is_some()
            || step.form.is_some()
            || step.expect.is_some()
            || !step.save.is_empty()
            || step.caller.is_some();
        match (&step.request, step.advance, step.work) {
            (Some(request), None, None) => self.request(step, request).await,
            (None, Some(seconds), None) if !with_request => {
                self.setup.clock.advance(Duration::from_secs(seconds));
                Ok(())
            }
            (None, None, Some(work)) if !with_request => self.work(work).await,
            _ => Err("    a step is a `request` with what belongs to it, or `advance`, or `work`".to_owned()),
        }
    }

    async fn work(&self, work: PlatformWork) -> Result<(), String> {
        for _ in 0..MAXIMUM_ROUNDS {
            let done = match work {
                PlatformWork::Outbox => crate::work::catch_up(&self.platform).await,
                PlatformWork::Housekeeping => crate::work::forget_expired(&self.platform).await,
            };
            if done.map_err(|error| format!("    {error}"))? == 0 {
                return Ok(());
            }
        }
        Err("    the work does not end".to_owned())
    }

    async fn request(&mut self, step: &Step, line: &str) -> Result<(), String> {
        let indented = |error: String| format!("    {error}");
        let expect = step.expect.as_ref().ok_or("    a request needs `expect`")?;
        let expect = expectation::read(expect).map_err(indented)?;
        let request = self.compose(step, line).map_err(indented)?;
        let response = self.edge.send(request).await.map_err(|error| format!("    {error}"))?;
        let answer = Answer::read(response);
        let found = expectation::check(&expect, &answer, &self.symbols, &self.answers).map_err(indented)?;
        report(found, &format!("    got {}", answer.shown()))?;
        for (name, source) in &step.save {
            match source.as_str() {
                "answer" => {
                    self.answers.insert(name.clone(), answer.clone());
                }
                source => self.symbols.save(name, answer.part(source).map_err(indented)?),
            }
        }
        Ok(())
    }

    fn compose(&mut self, step: &Step, line: &str) -> Result<Request<Bytes>, String> {
        let (method, path) = line.split_once(' ').ok_or("`request` is a method and a path")?;
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
        let patch = method == Method::PATCH;
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = method;
        *request.uri_mut() = self.symbols.fill(path)?.parse().map_err(|error| format!("`{path}`: {error}"))?;
        let body = match (&step.body, &step.raw_body, &step.form) {
            (Some(body), None, None) => Some(self.symbols.fill_json(body)?.to_string().into_bytes()),
            (None, Some(parts), None) => Some(raw(parts)?),
            (None, None, Some(_)) => Some(self.form(step)?.into_bytes()),
            (None, None, None) => None,
            _ => return Err("a request has `body`, `rawBody` or `form`".to_owned()),
        };
        if let Some(body) = body {
            let media_type = match (patch, &step.form) {
                (_, Some(_)) => "application/x-www-form-urlencoded",
                (true, None) => "application/merge-patch+json",
                (false, None) => "application/json",
            };
            request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
            *request.body_mut() = body.into();
        }
        if let Some(caller) = &step.caller {
            let value = self.callers.authorization(caller, self.setup.clock.now())?;
            let value = self.symbols.fill(&value)?;
            let value = HeaderValue::from_str(&value).map_err(|error| error.to_string())?;
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        for (name, value) in &step.headers {
            let name: HeaderName = name.parse().map_err(|_| format!("`{name}` is no header"))?;
            let value = self.symbols.fill(value)?.parse().map_err(|_| format!("`{value}` is no value of a header"))?;
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }
}

impl Performance {
    fn form(&mut self, step: &Step) -> Result<String, String> {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in step.form.iter().flatten() {
            let value = match value {
                FormValue::Text(text) => self.symbols.fill(text)?,
                FormValue::LogoutToken(wanted) => self.callers.logout_token(wanted, self.setup.clock.now())?,
            };
            form.append_pair(name, &value);
        }
        Ok(form.finish())
    }
}

async fn start_issuer(clock: &Arc<ManualClock>) -> Result<DevelopmentIssuer, String> {
    // RSA tokens are covered by the tests of token verification; generating such a key takes long.
    let options = DevelopmentIssuerOptions { family: KeyFamily::P256, clock: clock.clone(), ..Default::default() };
    DevelopmentIssuer::start_with(options).await.map_err(|error| error.to_string())
}

fn raw(parts: &[Part]) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for part in parts {
        match part {
            Part { text: Some(text), base64: None, repeat: None, times: None } => bytes.extend(text.as_bytes()),
            Part { text: None, base64: Some(text), repeat: None, times: None } => {
                bytes.extend(STANDARD.decode(text).map_err(|error| error.to_string())?);
            }
            Part { text: None, base64: None, repeat: Some(text), times: Some(times) } => {
                bytes.extend(text.repeat(*times).as_bytes());
            }
            _ => return Err("a part is `text`, `base64`, or `repeat` with `times`".to_owned()),
        }
    }
    Ok(bytes)
}
