//! Measures the cost that the host adds to a component's store call: crossing the boundary in both directions, finding
//! the request that the call belongs to, and the second lock.
//!
//! `component_calls DEZKY COMPONENT FOLDER` serves the component, which must answer `/calls` (`dezky-hostile`), with
//! the binary `dezky` on a new store in FOLDER. It alternates between a request that reads one document 1,000 times,
//! one that reads none, and the same reads of the same file in this process.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Instant,
};

use dezky::{
    context::RequestContext,
    domain::{ObjectId, user::USERS},
    store::{Store as _, sqlite::SqliteStore},
};
use dezky_benches::{Failure, median};
use serde_json::Value;

/// Number of calls of a request.
const CALLS: u32 = 1_000;

const ROUNDS: usize = 201;

/// A running server, stopped when dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "the figures are what the program is for")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("usage: component_calls DEZKY COMPONENT FOLDER");
    let (dezky, component, folder) = (argument()?, argument()?, argument()?);
    let folder = tempfile::tempdir_in(folder)?;
    let (_server, said) = start(&dezky, &component, folder.path())?;
    let text = |path: &str| said.pointer(path).and_then(Value::as_str).ok_or("the server does not say what it serves");
    let (origin, id, token) = (text("/origin")?, text("/people/anna/id")?, text("/people/anna/token")?);
    let client = reqwest::Client::new();
    let ask = async |count: u32| -> Result<f64, Failure> {
        let request = client.get(format!("{origin}/calls?count={count}&id={id}")).bearer_auth(token);
        let start = Instant::now();
        let answer = request.send().await?.error_for_status()?;
        let got = answer.text().await?;
        let taken = start.elapsed().as_nanos() as f64;
        if got == count.to_string() { Ok(taken) } else { Err(format!("{got} of {count} calls got a document").into()) }
    };
    let store = SqliteStore::open(folder.path().join("data/dezky.sqlite"), Default::default(), dezky::COLLECTIONS)?;
    let (context, user): (_, ObjectId) = (RequestContext::system("bench"), id.parse()?);
    let mut figures: [Vec<f64>; 3] = Default::default();
    let [calls, reads, added] = &mut figures;
    for _ in 0..ROUNDS {
        let none = ask(0).await?;
        let many = ask(CALLS).await?;
        let start = Instant::now();
        for _ in 0..CALLS {
            store.get(&context, &USERS, user).await?.ok_or("the user is missing")?;
        }
        let read = start.elapsed().as_nanos() as f64 / f64::from(CALLS);
        let call = (many - none) / f64::from(CALLS);
        calls.push(call);
        reads.push(read);
        added.push(call - read);
    }
    let show =
        |name: &str, figures: &mut Vec<f64>| println!("{name:<58} {:>10.3} µs", median(figures.drain(..)) / 1_000.0);
    println!("medians of {ROUNDS} rounds of {CALLS}");
    show("a call of the store by a component", calls);
    show("the same read in this process", reads);
    show("what the host adds to a call", added);
    Ok(())
}

/// Starts the server, and returns it with its description of itself.
fn start(dezky: &str, component: &str, folder: &Path) -> Result<(Server, Value), Failure> {
    let mut command = Command::new(dezky);
    command.args(["dev", "--no-systems", "--json", "--listen", "127.0.0.1:0", "--component", component, "--data"]);
    let mut server = Server(command.arg(folder.join("data")).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().ok_or("the server says nothing")?).read_line(&mut line)?;
    Ok((server, serde_json::from_str(&line)?))
}
