//! Compares the API on MongoDB with a plain service on the same server and data.
//!
//! `mongodb URI` needs an empty database. First it measures the processor time of a request on the client side: the API
//! and the same reads through the bare driver alternate in this process, one request at a time. The time is that of all
//! threads of this process, so that the server does not count. Then it measures requests per second: the API and a
//! service that makes three queries per request are both served over HTTP, and alternate under a load of 8 connections.

mod plain;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::Router;
use dezky::store::mongodb::MongodbStore;
use dezky_benches::{Failure, estate::Estate, median, serve};
use mongodb::{Client, Database};
use plain::Plain;

/// Number of requests of a case in each round: enough for the kernel's 10 ms ticks.
const REQUESTS: u32 = 300;

/// Number of rounds.
const ROUNDS: usize = 5;

/// Duration of each service's load in a round.
const LOAD: Duration = Duration::from_secs(3);

/// Number of connections of the load.
const CONNECTIONS: usize = 8;

/// Number of tenants; the person `one` is in the first of them, `all` in all.
const TENANTS: usize = 50;

/// Number of other people, each in one tenant.
const CROWD: usize = 200;

/// Number of documents in a commit.
const BATCH: usize = 100;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let uri = std::env::args().nth(1).ok_or("usage: mongodb URI")?;
    // As a task, as a server's requests are: the runtime's main thread would be woken by another for each answer.
    tokio::spawn(measure(uri)).await?
}

async fn measure(uri: String) -> Result<(), Failure> {
    let store = MongodbStore::open(&uri, Default::default(), dezky::COLLECTIONS)?;
    let estate = Estate::over(Arc::new(store), CROWD, TENANTS, BATCH).await?;
    let client = Client::with_uri_str(&uri).await?;
    let database = client.default_database().ok_or("the URI names no database")?;
    processor_times(&estate, &database).await?;
    rates(&estate, &database, &uri).await
}

#[allow(clippy::print_stdout, reason = "the figures are what the program is for")]
async fn processor_times(estate: &Estate, database: &Database) -> Result<(), Failure> {
    let plain = Plain::new(database.clone());
    for (person, tenants) in [("one", 1), ("all", TENANTS)] {
        let token = estate.token(person);
        estate.get(&token, "/users/me").await?;
        let (mut requests, mut reads) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let start = processor_time("self")?;
            for _ in 0..REQUESTS {
                estate.get(&token, "/users/me").await?;
            }
            let middle = processor_time("self")?;
            for _ in 0..REQUESTS {
                plain.profile_documents(person).await?;
            }
            requests.push((middle - start) / f64::from(REQUESTS));
            reads.push((processor_time("self")? - middle) / f64::from(REQUESTS));
        }
        println!(
            "GET /users/me in {tenants:>2} tenants: {:>5.0} µs of CPU on this side; two finds and an aggregation through the bare driver {:>5.0} µs",
            median(requests),
            median(reads)
        );
    }
    Ok(())
}

/// A served router.
struct Served {
    address: String,
    serving: tokio::task::JoinHandle<Result<(), Failure>>,
}

impl Served {
    async fn new(router: Router) -> Result<Self, Failure> {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = format!("http://{}", listener.local_addr()?);
        Ok(Self { address, serving: tokio::spawn(serve(listener, router)) })
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[allow(clippy::print_stdout, reason = "the figures are what the program is for")]
async fn rates(estate: &Estate, database: &Database, uri: &str) -> Result<(), Failure> {
    let ours = Served::new(estate.api()).await?;
    let plain = Served::new(Plain::new(database.clone()).router()).await?;
    let server = server_of(uri)?;
    // Where there is a third, the documents of the plain service in one round trip: what this server charges for them at least.
    let (profile, list) = ("/users/me", "/tenants?limit=50");
    let cases = [("one", profile, Some(plain::AT_ONCE)), ("all", profile, Some(plain::AT_ONCE)), ("admin", list, None)];
    for (person, target, at_once) in cases {
        let token = estate.token(person);
        let mut contenders =
            vec![Contender::new("the API", &ours, target), Contender::new("the plain service", &plain, target)];
        contenders.extend(at_once.map(|target| Contender::new("its reads as one aggregation", &plain, target)));
        for _ in 0..ROUNDS {
            for contender in &mut contenders {
                let before = processor_time(&server)?;
                let (answered, took) = load(&contender.url, &token, person).await?;
                contender.rates.push(answered / took);
                contender.work.push((processor_time(&server)? - before) / answered);
            }
        }
        let plain = contenders.get(1).map(|plain| plain.rates.clone()).unwrap_or_default();
        for Contender { name, rates, work, .. } in contenders {
            let ratio = median(rates.iter().zip(&plain).map(|(rate, plain)| rate / plain));
            let (rate, work) = (median(rates), median(work) / 1_000.0);
            println!(
                "GET {target} as `{person}`, {name}: {rate:.0}/s, {ratio:.2}×; the database works {work:.1} ms a request"
            );
        }
    }
    Ok(())
}

/// One that answers the same question, with what each round has brought.
struct Contender {
    name: &'static str,
    url: String,
    /// Requests a second.
    rates: Vec<f64>,
    /// Processor time of the database for a request, in µs.
    work: Vec<f64>,
}

impl Contender {
    fn new(name: &'static str, served: &Served, target: &str) -> Self {
        Self { name, url: format!("{}{target}", served.address), rates: Vec::new(), work: Vec::new() }
    }
}

/// Calls a URL for a while, and returns the number of answered requests and the seconds taken.
async fn load(url: &str, token: &str, person: &str) -> Result<(f64, f64), Failure> {
    let client = reqwest::Client::builder().pool_max_idle_per_host(CONNECTIONS).build()?;
    let start = Instant::now();
    let calls = (0..CONNECTIONS).map(|_| {
        let request = client.get(url).bearer_auth(token).header(plain::PERSON, person);
        async move {
            let mut answered = 0.0;
            while start.elapsed() < LOAD {
                let again = request.try_clone().ok_or("a request without a body can be cloned")?;
                let answer = again.send().await?.error_for_status()?;
                answer.bytes().await?;
                answered += 1.0;
            }
            Ok::<f64, Failure>(answered)
        }
    });
    let answered = futures_util::future::try_join_all(calls).await?;
    Ok((answered.iter().sum(), start.elapsed().as_secs_f64()))
}

/// Returns the process of the server at the port of a URI.
fn server_of(uri: &str) -> Result<String, Failure> {
    let port = uri.rsplit_once(':').and_then(|(_, rest)| rest.split('/').next()).ok_or("the URI has no port")?;
    for process in std::fs::read_dir("/proc")? {
        let process = process?;
        let Ok(command) = std::fs::read_to_string(process.path().join("cmdline")) else { continue };
        let arguments: Vec<&str> = command.split('\0').collect();
        if arguments.windows(2).any(|pair| pair == ["--port", port]) {
            return Ok(process.file_name().to_string_lossy().into_owned());
        }
    }
    Err("no process has the port of the URI".into())
}

/// Returns the processor time of a process so far, in µs.
fn processor_time(process: &str) -> Result<f64, Failure> {
    // Fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms; the name in field 2 ends with the last parenthesis.
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let (_, rest) = text.rsplit_once(')').ok_or("/proc/PID/stat is not as documented")?;
    let ticks: Result<Vec<f64>, _> = rest.split_whitespace().skip(11).take(2).map(str::parse).collect();
    Ok(ticks?.iter().sum::<f64>() * 10_000.0)
}
