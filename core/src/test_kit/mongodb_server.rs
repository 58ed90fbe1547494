//! MongoDB-wire servers for tests: those started by `make test`, and separate ones that a test may kill.

use std::{
    env,
    fs::File,
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::domain::ObjectId;

/// Path of the server's executable, as `scripts/test-database.sh` prints it.
pub const SERVER_VARIABLE: &str = "DEZKY_TEST_MONGODB_SERVER";

/// URIs of the servers started by `scripts/with-test-database.sh`, separated by spaces.
pub const URIS_VARIABLE: &str = "DEZKY_TEST_MONGODB_URIS";

/// Longest time until a server accepts connections.
const PATIENCE: Duration = Duration::from_secs(60);

const HOW: &str = "run the tests with `make test`, or under `scripts/with-test-database.sh`";

/// Returns the URI of a new database on the servers shared by all tests, on each of them in turn.
///
/// # Errors
/// When there is no such server; the message tells how to run the tests.
pub fn shared_uri() -> io::Result<String> {
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let uris = variable(URIS_VARIABLE)?;
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    let uri = uris.split_whitespace().cycle().nth(turn).ok_or_else(|| missing(URIS_VARIABLE))?;
    Ok(format!("{}/{}", uri.trim_end_matches('/'), unique_database()))
}

/// Generates the unique name of a database.
#[must_use]
pub fn unique_database() -> String {
    format!("dezky_test_{}", ObjectId::generate())
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|_| missing(name))
}

fn missing(name: &str) -> io::Error {
    io::Error::other(format!("the variable `{name}` is not set: {HOW}"))
}

/// A server for one test, on a free port, with its data in a temporary folder.
///
/// It is stopped and cleaned up when dropped. If the test's process is killed, the kernel stops it (where `setpriv` is
/// installed).
#[derive(Debug)]
pub struct MongodbServer {
    executable: PathBuf,
    folder: TempDir,
    port: u16,
    process: Option<Child>,
}

impl MongodbServer {
    /// Starts a server and waits until it accepts connections.
    ///
    /// # Errors
    /// When the server is not installed or does not start.
    pub async fn start() -> io::Result<Self> {
        let executable = PathBuf::from(variable(SERVER_VARIABLE)?);
        let mut last = io::Error::other("no attempt was made");
        // A port that was free a moment ago may be taken when the server binds it.
        for _ in 0..5 {
            let folder = tempfile::Builder::new().prefix("dezky-mongodb-").tempdir()?;
            let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
            let mut server = Self { executable: executable.clone(), folder, port, process: None };
            match server.restart().await {
                Ok(()) => return Ok(server),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Returns the URI of the server.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("mongodb://{}/", self.address())
    }

    /// Returns the URI of a database on it.
    #[must_use]
    pub fn uri_for(&self, database: &str) -> String {
        format!("{}{database}", self.uri())
    }

    /// Returns the address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// Kills the process, as a power failure would.
    ///
    /// # Errors
    /// When the process cannot be killed.
    pub fn kill(&mut self) -> io::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
            process.wait()?;
        }
        Ok(())
    }

    /// Restarts the server on the same port with the same data, and waits until it accepts connections.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.kill()?;
        let log = File::create(self.folder.path().join("log"))?;
        let mut command = bound_to_this_process(&self.executable);
        // Without the first option, `j: true` only works for single writes: a killed server was measured to lose
        // acknowledged transactions, so that crash tests would test the test server.
        command
            .args(["--sync-on-commit", "--host", "127.0.0.1", "--port", &self.port.to_string(), "--storage-path"])
            .arg(self.folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        let process = self.process.insert(command.spawn()?);
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = process.try_wait()? {
                let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("the test server ended with {status}: {log}")));
            }
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
            if tokio::net::TcpStream::connect(address).await.is_ok() {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(io::Error::other("the test server does not accept connections"));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Makes the kernel kill the server when the thread that started it ends, by `setpriv`; else `env`, which has no
/// effect.
///
/// Tests keep that thread for as long as they run.
fn bound_to_this_process(executable: &Path) -> Command {
    let setpriv = Path::new("/usr/bin/setpriv");
    if setpriv.exists() && thread_lasts() {
        let mut command = Command::new(setpriv);
        command.args(["--pdeathsig", "KILL"]).arg(executable);
        command
    } else {
        Command::new(executable)
    }
}

/// Returns `true` if the test stays on one thread, which only a current-thread runtime ensures.
///
/// The kernel's signal is bound to the thread that started the process.
fn thread_lasts() -> bool {
    tokio::runtime::Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == tokio::runtime::RuntimeFlavor::CurrentThread)
}

impl Drop for MongodbServer {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            tracing::error!(%error, port = self.port, "a test server could not be stopped");
        }
    }
}
