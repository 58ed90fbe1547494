//! Runs the real binary in its own folder, and talks to it over sockets.
#![allow(dead_code, reason = "each test uses a part")]

pub(crate) mod http2;
pub(crate) mod served;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Returns the binary, without settings of the test runner's environment.
pub(crate) fn dezky(folder: &Path) -> Command {
    dezky_under(&[], folder)
}

/// Returns the binary run by a wrapper command, which must end by running its arguments.
pub(crate) fn dezky_under(wrapper: &[&str], folder: &Path) -> Command {
    let binary = env!("CARGO_BIN_EXE_dezky");
    let mut command = match wrapper {
        [] => Command::new(binary),
        [program, arguments @ ..] => {
            let mut command = Command::new(program);
            command.args(arguments).arg(binary);
            command
        }
    };
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("DEZKY_") || name == "MONGODB_URI" || name == "NODE_EXTRA_CA_CERTS" {
            command.env_remove(name);
        }
    }
    command.current_dir(folder).stdin(Stdio::null());
    command
}

/// A running process, killed when it is dropped.
pub(crate) struct Process {
    pub(crate) child: Child,
    lines: Receiver<String>,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts it, so that lines of both outputs can be awaited.
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = mpsc::channel();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
        Self { child, lines }
    }

    /// Waits for the next line that contains this text.
    pub(crate) fn line(&self, text: &str) -> String {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.contains(text) => return line,
                Ok(_) => {}
                Err(error) => panic!("no line with {text:?}: {error}"),
            }
        }
    }

    pub(crate) fn terminate(&self) {
        let sent = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

/// Returns the `host:port` of an origin.
pub(crate) fn authority(origin: &str) -> &str {
    origin.trim_start_matches("http://")
}

/// Sends one request, and returns status and body.
pub(crate) fn request(authority: &str, method: &str, path: &str, token: Option<&str>) -> (u16, String) {
    let mut stream = TcpStream::connect(authority).unwrap();
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {authority}\r\n{authorization}connection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// Opens a connection from this address of the machine.
pub(crate) fn connect_from(source: [u8; 4], authority: &str) -> TcpStream {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let socket = tokio::net::TcpSocket::new_v4();
    let stream = runtime.block_on(async {
        let socket = socket.unwrap();
        socket.bind((source, 0).into()).unwrap();
        socket.connect(authority.parse().unwrap()).await.unwrap().into_std().unwrap()
    });
    stream.set_nonblocking(false).unwrap();
    stream
}

/// Sends a body from an address of this machine, and returns status and answer.
pub(crate) fn send(
    source: [u8; 4],
    address: &str,
    method: &str,
    path: &str,
    bearer: &str,
    body: &Value,
) -> (u16, String) {
    let mut stream = connect_from(source, address);
    let body = body.to_string();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {bearer}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

pub(crate) fn json(answer: &(u16, String)) -> Value {
    serde_json::from_str(&answer.1).unwrap()
}

/// Waits until readiness is as wanted.
pub(crate) fn await_ready(authority: &str, ready: bool) -> Value {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let answer = request(authority, "GET", "/readyz", None);
        let report = json(&answer);
        assert_eq!(answer.0, if report["ready"] == true { 200 } else { 503 });
        if report["ready"] == ready {
            return report;
        }
        assert!(Instant::now() < end, "{report:#}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Starts the development server. Returns its origin, a person's token and an administrator's.
pub(crate) fn dev(folder: &Path) -> (Process, String, String, String) {
    dev_with(folder, &["--no-systems"])
}

/// Starts the development server with further options.
pub(crate) fn dev_with(folder: &Path, options: &[&str]) -> (Process, String, String, String) {
    let mut command = dezky(folder);
    command.args(["dev", "--listen", "127.0.0.1:0"]).args(options);
    let process = Process::start(command);
    let listens = process.line("Dezky listens on ");
    let origin = listens.split(' ').nth(3).unwrap().to_owned();
    let token = |line: String| line.split("Bearer ").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    let person = token(process.line("curl "));
    let admin = token(process.line("curl "));
    (process, authority(&origin).to_owned(), person, admin)
}

/// Asserts that a request whose body arrives after SIGTERM is answered, others are refused, and the exit is clean.
pub(crate) fn finished_after_sigterm(process: &mut Process, address: &str, admin: &str) {
    assert_eq!(request(address, "GET", "/users/me", Some(admin)).0, 200);
    let body = r#"{"slug":"late","name":"Late"}"#;
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "POST /tenants HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {admin}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\nexpect: 100-continue\r\n\r\n"
    )
    .unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.contains("100"), "{line}");
    process.terminate();
    process.line("stopping");
    assert!(TcpStream::connect(address).is_err(), "no new connections");
    stream.write_all(body.as_bytes()).unwrap();
    let mut answer = String::new();
    reader.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("201 Created"), "{answer}");
    assert_eq!(process.wait().code(), Some(0));
}

pub(crate) fn hang_up(process: &Process) {
    assert!(Command::new("kill").args(["-HUP", &process.child.id().to_string()]).status().unwrap().success());
}

/// Runs operators' commands on one store.
pub(crate) struct Shell {
    pub(crate) folder: std::path::PathBuf,
    pub(crate) store: String,
    /// An issuer that is never contacted, so that people of `default` can be created.
    pub(crate) issuer: String,
    /// The wrapper that runs the commands, if any.
    pub(crate) wrapper: Vec<String>,
}

impl Shell {
    pub(crate) fn new(folder: &Path, store: &str) -> Self {
        Self::under(&[], folder, store)
    }

    /// Creates a shell whose commands are run by a wrapper.
    pub(crate) fn under(wrapper: &[&str], folder: &Path, store: &str) -> Self {
        let wrapper = wrapper.iter().map(|word| (*word).to_owned()).collect();
        Self { folder: folder.to_owned(), store: store.to_owned(), issuer: "http://127.0.0.1:9/".to_owned(), wrapper }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let wrapper: Vec<&str> = self.wrapper.iter().map(String::as_str).collect();
        let mut command = dezky_under(&wrapper, &self.folder);
        command.env("DEZKY_STORE", &self.store).env("DEZKY_OIDC_ISSUER", &self.issuer);
        command.env("DEZKY_OIDC_AUDIENCE", "dezky").args(arguments);
        command
    }

    /// Runs a command, and returns exit code, standard output and standard error.
    pub(crate) fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Runs a command that succeeds with only one JSON document, and returns it.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let (code, output, error) = self.run(arguments);
        assert_eq!((code, error.as_str()), (0, ""), "{arguments:?}: {output}");
        serde_json::from_str(&output).unwrap()
    }

    /// Runs a command that prints JSON lines, and returns them.
    pub(crate) fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let (code, output, error) = self.run(arguments);
        assert_eq!((code, error.as_str()), (0, ""), "{arguments:?}: {output}");
        output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs a command that fails with this exit code and an error that begins like this, and returns standard error.
    pub(crate) fn refused(&self, arguments: &[&str], exit_code: i32, begins: &str) -> String {
        let (code, output, error) = self.run(arguments);
        assert_eq!((code, output.as_str()), (exit_code, ""), "{arguments:?}: {error}");
        assert!(error.starts_with(begins), "{arguments:?}: {error}");
        error
    }

    /// Runs a command at a terminal with this input, and returns the exit code and everything shown.
    pub(crate) fn at_terminal(&self, arguments: &[&str], typed: &str) -> (i32, String) {
        let quoted: Vec<String> = arguments.iter().map(|argument| format!("'{argument}'")).collect();
        let line = format!("'{}' {}", env!("CARGO_BIN_EXE_dezky"), quoted.join(" "));
        let mut command = Command::new("script");
        command.args(["--quiet", "--return", "--command", &line, "/dev/null"]).current_dir(&self.folder);
        command.env("DEZKY_STORE", &self.store).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

pub(crate) fn address(line: &str) -> String {
    line.split("address=").nth(1).unwrap().split(' ').next().unwrap().to_owned()
}
