//! Compares the Lambda function with the native server: its initialization time, and the additional cost of an
//! invocation.
//!
//! `lambda FUNCTION DEZKY FOLDER` runs the binaries `dezky-lambda` and `dezky`, each on its own SQLite store in FOLDER.
//! The function polls an emulated Runtime API for invocations, as on the platform. Both answer `GET /users/me` of the
//! same person, alternately and one request at a time; compared is the processor time of the answering process.

#[allow(dead_code, clippy::unwrap_used, clippy::expect_used, reason = "what the function's own tests use")]
#[path = "../../../handlers/lambda/tests/support/emulator.rs"]
mod emulator;

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use axum::body::Bytes;
use dezky::{
    clock::{Clock as _, SystemClock},
    test_kit::DevelopmentIssuer,
};
use dezky_benches::{Failure, median};
use emulator::Emulator;
use serde_json::{Value, json};

/// Number of starts. The first is not counted: it fetches keys that the others find in the store.
const STARTS: usize = 21;

const ROUNDS: usize = 21;

/// Number of requests of each side in a round.
const REQUESTS: usize = 1_000;

/// A process, stopped when dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _ended = self.0.wait();
    }
}

impl Process {
    /// Returns the processor time of all its threads so far, in microseconds
    /// (<https://docs.kernel.org/scheduler/sched-stats.html#proc-pid-schedstat>).
    fn processor_time(&self) -> Result<f64, Failure> {
        let mut nanoseconds = 0.0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            // A thread may have ended since.
            let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            nanoseconds += text.split(' ').next().ok_or("no processor time")?.parse::<f64>()?;
        }
        Ok(nanoseconds / 1_000.0)
    }
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "the figures are what the program is for")]
async fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = || arguments.next().ok_or("usage: lambda FUNCTION DEZKY FOLDER");
    let (function, dezky, folder) = (argument()?, argument()?, argument()?);
    let folder = tempfile::tempdir_in(folder)?;
    let emulator = Emulator::start().await;
    let issuer = DevelopmentIssuer::start().await?;
    let claims = issuer.claims("anna").person("anna@example.eu", "Anna Example").groups(["dezky"]);
    let token = issuer.mint(&claims.lasting(SystemClock.now(), Duration::from_secs(3_600)));

    for store in ["native.sqlite", "function.sqlite"] {
        let seeded = command(&dezky, folder.path(), store, &issuer).arg("seed").stdout(Stdio::null()).status()?;
        if !seeded.success() {
            return Err("a store cannot be seeded".into());
        }
    }

    let mut starts = Vec::new();
    let mut running = None;
    for number in 0..STARTS {
        drop(running.take());
        let mut command = command(&function, folder.path(), "function.sqlite", &issuer);
        emulator.environment(&mut command);
        let begun = Instant::now();
        let process = Process(command.spawn()?);
        emulator.asked().await;
        if number > 0 {
            starts.push(begun.elapsed().as_nanos() as f64 / 1_000_000.0);
        }
        invoke(&emulator, &token).await?;
        // Consume this process's next poll, so that it is not taken for that of the following one.
        emulator.asked().await;
        running = Some(process);
    }
    let function = running.ok_or("no function runs")?;
    println!("from start until it asks for an invocation, existing store: {:.1} ms", median(starts));

    let (native, url) = serve(&dezky, folder.path(), &issuer).await?;
    let client = reqwest::Client::new();
    let ask = async || -> Result<(), Failure> {
        client.get(&url).bearer_auth(&token).send().await?.error_for_status()?.bytes().await?;
        Ok(())
    };
    let mut figures: [Vec<f64>; 3] = Default::default();
    let [natively, invoked, added] = &mut figures;
    for round in 0..=ROUNDS {
        let begun = native.processor_time()?;
        for _ in 0..REQUESTS {
            ask().await?;
        }
        let of_native = (native.processor_time()? - begun) / REQUESTS as f64;
        let begun = function.processor_time()?;
        for _ in 0..REQUESTS {
            invoke(&emulator, &token).await?;
        }
        let of_function = (function.processor_time()? - begun) / REQUESTS as f64;
        // In the first round caches and connections are filled.
        if round > 0 {
            natively.push(of_native);
            invoked.push(of_function);
            added.push(of_function - of_native);
        }
    }
    println!("medians of {ROUNDS} rounds of {REQUESTS}, processor time of a `GET /users/me`, one at a time");
    let show = |name: &str, figures: &mut Vec<f64>| println!("{name:<40} {:>8.1} µs", median(figures.drain(..)));
    show("native server", natively);
    show("function", invoked);
    show("function above native", added);
    Ok(())
}

/// Returns a command with the settings of this benchmark and no others.
fn command(binary: &str, folder: &Path, store: &str, issuer: &DevelopmentIssuer) -> Command {
    let mut command = Command::new(fs::canonicalize(binary).unwrap_or_else(|_| binary.into()));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("DEZKY_") || name == "MONGODB_URI" || name == "NODE_EXTRA_CA_CERTS" {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .env("DEZKY_STORE", format!("sqlite:{store}"))
        .env("DEZKY_OIDC_ISSUER", issuer.url())
        .env("DEZKY_OIDC_AUDIENCE", issuer.audience())
        .env("DEZKY_CALLER_RATE", "off")
        .env("DEZKY_ADDRESS_RATE", "off")
        .env("DEZKY_LOG", "warn");
    command
}

/// Starts the native server, waits until it answers, and returns it with the URL of the profile.
async fn serve(dezky: &str, folder: &Path, issuer: &DevelopmentIssuer) -> Result<(Process, String), Failure> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut command = command(dezky, folder, "native.sqlite", issuer);
    let process = Process(command.args(["serve", "--listen", &address.to_string()]).spawn()?);
    for _ in 0..500 {
        if let Ok(answer) = reqwest::get(format!("http://{address}/readyz")).await
            && answer.status().is_success()
        {
            return Ok((process, format!("http://{address}/users/me")));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Err("the native server does not become ready".into())
}

/// Makes one invocation with the event of a function URL, which must succeed.
async fn invoke(emulator: &Emulator, token: &str) -> Result<(), Failure> {
    let event = json!({
        "version": "2.0", "routeKey": "$default", "rawPath": "/users/me", "rawQueryString": "", "isBase64Encoded": false,
        "headers": {"host": "api.example.eu", "authorization": format!("Bearer {token}")},
        "requestContext": {
            "accountId": "123456789012", "apiId": "abcdef", "domainName": "abcdef.lambda-url.eu-central-1.on.aws",
            "domainPrefix": "abcdef", "routeKey": "$default", "stage": "$default", "requestId": "id",
            "time": "12/Mar/2026:19:03:58 +0000", "timeEpoch": 1_773_342_238_000_i64,
            "http": {"method": "GET", "path": "/users/me", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "bench"},
        },
    });
    let said = emulator.invoke(Bytes::from(event.to_string())).await;
    let said = said.map_err(|error| String::from_utf8_lossy(&error).into_owned())?;
    let answer: Value = serde_json::from_slice(&said)?;
    if answer.get("statusCode") == Some(&json!(200)) {
        Ok(())
    } else {
        Err(format!("the function answered {answer}").into())
    }
}
