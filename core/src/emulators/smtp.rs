//! A mail server that keeps what it is given, for `dezky dev` and tests (RFC 5321, 3207, 4954).

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
#[cfg(feature = "test-kit")]
use tokio_rustls::TlsAcceptor;

/// Length of the longest line, in bytes.
const LONGEST_LINE: u64 = 4_096;

/// Size of the largest message, in bytes.
const LARGEST_MESSAGE: usize = 1024 * 1024;

/// Encryption that the server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SmtpTls {
    /// None.
    #[default]
    None,
    /// `STARTTLS`, without which it takes no mail.
    #[cfg(feature = "test-kit")]
    StartTls,
    /// TLS from the first byte.
    #[cfg(feature = "test-kit")]
    Implicit,
}

/// Misbehaviour of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpFault {
    /// It refuses every receiver for good: 550 5.1.1.
    RefuseReceiver,
    /// It asks to try again later: 451 4.7.1.
    Later,
    /// It takes the message and closes the connection without a reply.
    Cut,
    /// It takes the message and never replies.
    Silent,
    /// It greets with 421 and closes the connection.
    Closed,
}

/// Function that is called with each message.
type Listener = Arc<dyn Fn(&Delivered) + Send + Sync>;

/// Options of the server.
#[derive(Clone, Default)]
pub struct SmtpOptions {
    /// Port on 127.0.0.1. Default: 0, a free port.
    pub port: u16,
    /// Encryption. Default: none.
    pub tls: SmtpTls,
    /// User and password that it asks for. Default: none.
    pub credentials: Option<(String, String)>,
    /// Function that is called with each message. Default: none.
    pub listener: Option<Listener>,
}

impl fmt::Debug for SmtpOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SmtpOptions").field("port", &self.port).field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// A message that the server has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Return address of the envelope.
    pub from: String,
    /// Receivers of the envelope.
    pub to: Vec<String>,
    /// Header and body as they came.
    pub data: String,
}

impl Delivered {
    /// Returns the value of a header field, unfolded.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        let head = self.data.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
        let mut fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    }

    /// Returns the decoded part of a media type, such as `text/plain`.
    #[must_use]
    pub fn part(&self, media_type: &str) -> Option<String> {
        let boundary = self.header("Content-Type")?.split("boundary=\"").nth(1)?.split('"').next()?.to_owned();
        let delimiter = format!("--{boundary}");
        for part in self.data.split(&delimiter).skip(1) {
            let Some((head, body)) = part.trim_start().split_once("\r\n\r\n") else { continue };
            let head = head.to_ascii_lowercase();
            if !head.contains(media_type) {
                continue;
            }
            let body = match () {
                () if head.contains("quoted-printable") => unquoted(body),
                () if head.contains("base64") => STANDARD.decode(body.split_whitespace().collect::<String>()).ok()?,
                () => body.as_bytes().to_vec(),
            };
            return String::from_utf8(body).ok();
        }
        None
    }

    /// Returns the first link in the text.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        let text = self.part("text/plain")?;
        text.split_whitespace().find(|word| word.starts_with("http")).map(str::to_owned)
    }
}

/// Decodes quoted-printable text (RFC 2045 §6.7).
fn unquoted(text: &str) -> Vec<u8> {
    let joined = text.replace("=\r\n", "");
    let mut parts = joined.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part.get(..2).and_then(|digits| hex::decode(digits).ok()) {
            Some(decoded) => {
                bytes.extend(decoded);
                bytes.extend(part.get(2..).unwrap_or_default().as_bytes());
            }
            None => bytes.extend(part.as_bytes()),
        }
    }
    bytes
}

struct Shared {
    options: SmtpOptions,
    fault: Mutex<Option<SmtpFault>>,
    delivered: watch::Sender<Vec<Delivered>>,
    sessions: watch::Sender<usize>,
    #[cfg(feature = "test-kit")]
    acceptor: Option<TlsAcceptor>,
}

/// A running mail server. Dropping it stops it.
pub struct SmtpSink {
    shared: Arc<Shared>,
    address: SocketAddr,
    authority: Option<String>,
    task: JoinHandle<()>,
}

impl fmt::Debug for SmtpSink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SmtpSink").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SmtpSink {
    /// Starts a server.
    ///
    /// # Errors
    /// When the port is taken, or no certificate can be made.
    pub async fn start(options: SmtpOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
        let address = listener.local_addr()?;
        #[cfg(feature = "test-kit")]
        let (acceptor, authority) = match options.tls {
            SmtpTls::None => (None, None),
            SmtpTls::StartTls | SmtpTls::Implicit => {
                let made = crate::development_issuer::certificate::private_authority(None).map_err(io::Error::other)?;
                (Some(made.0), Some(made.1))
            }
        };
        #[cfg(not(feature = "test-kit"))]
        let authority = None;
        let shared = Arc::new(Shared {
            options,
            fault: Mutex::default(),
            delivered: watch::Sender::new(Vec::new()),
            sessions: watch::Sender::new(0),
            #[cfg(feature = "test-kit")]
            acceptor,
        });
        let task = tokio::spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self { shared, address, authority, task })
    }

    /// Returns its URL, by which a mailer reaches it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.shared.options.tls {
            SmtpTls::None => "smtp",
            #[cfg(feature = "test-kit")]
            SmtpTls::StartTls => "smtp+starttls",
            #[cfg(feature = "test-kit")]
            SmtpTls::Implicit => "smtps",
        };
        format!("{scheme}://{}", self.address)
    }

    /// Returns the certificate authority of its certificate as PEM, if it speaks TLS.
    #[must_use]
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// Sets its misbehaviour.
    pub fn set_fault(&self, fault: Option<SmtpFault>) {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// Returns the messages so far.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivered> {
        self.shared.delivered.borrow().clone()
    }

    /// Waits until it has taken so many messages, and returns them.
    pub async fn until(&self, number: usize) -> Vec<Delivered> {
        let mut delivered = self.shared.delivered.subscribe();
        // The sender lives as long as this.
        let _ = delivered.wait_for(|delivered| delivered.len() >= number).await;
        self.delivered()
    }

    /// Returns the number of connections so far.
    #[must_use]
    pub fn sessions(&self) -> usize {
        *self.shared.sessions.borrow()
    }
}

/// A connection, plain or encrypted.
trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut sessions = JoinSet::new();
    loop {
        while sessions.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            // Most likely out of file descriptors; others will be closed.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        shared.sessions.send_modify(|number| *number = number.saturating_add(1));
        let shared = Arc::clone(&shared);
        // An error is a client that left.
        sessions.spawn(async move { converse(stream, &shared).await });
    }
}

async fn converse(stream: TcpStream, shared: &Shared) -> io::Result<()> {
    #[cfg(feature = "test-kit")]
    if let (SmtpTls::Implicit, Some(acceptor)) = (shared.options.tls, &shared.acceptor) {
        let stream = acceptor.accept(stream).await?;
        return Session::new(Box::new(stream), shared, true).run().await;
    }
    Session::new(Box::new(stream), shared, false).run().await
}

struct Session<'a> {
    stream: BufReader<Box<dyn Connection>>,
    shared: &'a Shared,
    encrypted: bool,
    authenticated: bool,
    from: Option<String>,
    to: Vec<String>,
}

/// Continuation after a command.
enum Next {
    Continue,
    #[cfg(feature = "test-kit")]
    Encrypt,
    End,
}

impl<'a> Session<'a> {
    fn new(stream: Box<dyn Connection>, shared: &'a Shared, encrypted: bool) -> Self {
        let stream = BufReader::new(stream);
        Self { stream, shared, encrypted, authenticated: false, from: None, to: Vec::new() }
    }

    fn fault(&self) -> Option<SmtpFault> {
        *self.shared.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reply(&mut self, text: &str) -> io::Result<()> {
        self.stream.write_all(format!("{text}\r\n").as_bytes()).await?;
        self.stream.flush().await
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = (&mut self.stream).take(LONGEST_LINE).read_line(&mut line).await?;
        Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }

    async fn run(mut self) -> io::Result<()> {
        if self.fault() == Some(SmtpFault::Closed) {
            return self.reply("421 4.3.2 closing").await;
        }
        self.reply("220 sink ESMTP").await?;
        while let Some(line) = self.line().await? {
            match self.command(&line).await? {
                Next::Continue => {}
                #[cfg(feature = "test-kit")]
                Next::Encrypt => {
                    let Some(acceptor) = self.shared.acceptor.clone() else { return Ok(()) };
                    let stream = acceptor.accept(self.stream.into_inner()).await?;
                    self = Self::new(Box::new(stream), self.shared, true);
                }
                Next::End => return Ok(()),
            }
        }
        Ok(())
    }

    async fn command(&mut self, line: &str) -> io::Result<Next> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.greet().await?,
            #[cfg(feature = "test-kit")]
            "STARTTLS" if self.shared.acceptor.is_some() && !self.encrypted => {
                self.reply("220 2.0.0 go ahead").await?;
                return Ok(Next::Encrypt);
            }
            "AUTH" => self.authenticate(rest).await?,
            "MAIL" if self.must_encrypt() => self.reply("530 5.7.0 STARTTLS first").await?,
            "MAIL" if self.must_authenticate() => self.reply("530 5.7.0 authentication required").await?,
            "MAIL" => {
                self.from = Some(path(rest));
                self.reply("250 2.1.0 ok").await?;
            }
            "RCPT" => match self.fault() {
                Some(SmtpFault::RefuseReceiver) => self.reply("550 5.1.1 no such user here").await?,
                Some(SmtpFault::Later) => self.reply("451 4.7.1 greylisted, try again later").await?,
                _ => {
                    self.to.push(path(rest));
                    self.reply("250 2.1.5 ok").await?;
                }
            },
            "DATA" if self.to.is_empty() => self.reply("503 5.5.1 no receiver").await?,
            "DATA" => return self.take().await,
            "RSET" => {
                (self.from, self.to) = (None, Vec::new());
                self.reply("250 2.0.0 ok").await?;
            }
            "NOOP" => self.reply("250 2.0.0 ok").await?,
            "QUIT" => {
                self.reply("221 2.0.0 bye").await?;
                return Ok(Next::End);
            }
            _ => self.reply("502 5.5.1 not implemented").await?,
        }
        Ok(Next::Continue)
    }

    async fn greet(&mut self) -> io::Result<()> {
        let mut extensions = vec!["sink", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"];
        if self.must_encrypt() {
            extensions.push("STARTTLS");
        }
        if self.shared.options.credentials.is_some() && !self.must_encrypt() {
            extensions.push("AUTH PLAIN");
        }
        let last = extensions.len().saturating_sub(1);
        let lines = extensions.iter().enumerate();
        let lines = lines.map(|(index, line)| format!("250{}{line}", if index == last { ' ' } else { '-' }));
        let lines = lines.collect::<Vec<_>>().join("\r\n");
        self.reply(&lines).await
    }

    fn must_encrypt(&self) -> bool {
        self.shared.options.tls != SmtpTls::None && !self.encrypted
    }

    fn must_authenticate(&self) -> bool {
        self.shared.options.credentials.is_some() && !self.authenticated
    }

    async fn authenticate(&mut self, rest: &str) -> io::Result<()> {
        let expected = self.shared.options.credentials.as_ref().map(|(user, password)| format!("\0{user}\0{password}"));
        let given = rest.strip_prefix("PLAIN ").and_then(|given| STANDARD.decode(given).ok());
        self.authenticated = given.is_some() && given == expected.map(String::into_bytes);
        let answer = if self.authenticated { "235 2.7.0 ok" } else { "535 5.7.8 wrong user or password" };
        self.reply(answer).await
    }

    async fn take(&mut self) -> io::Result<Next> {
        self.reply("354 go on").await?;
        let mut data = String::new();
        loop {
            let Some(line) = self.line().await? else { return Ok(Next::End) };
            if line == "." {
                break;
            }
            if data.len().saturating_add(line.len()) > LARGEST_MESSAGE {
                self.reply("552 5.3.4 too large").await?;
                return Ok(Next::End);
            }
            data.push_str(line.strip_prefix('.').unwrap_or(&line));
            data.push_str("\r\n");
        }
        let from = self.from.take().unwrap_or_default();
        let message = Delivered { from, to: std::mem::take(&mut self.to), data };
        if let Some(listener) = &self.shared.options.listener {
            listener(&message);
        }
        self.shared.delivered.send_modify(|delivered| delivered.push(message));
        match self.fault() {
            Some(SmtpFault::Cut) => return Ok(Next::End),
            Some(SmtpFault::Silent) => std::future::pending::<()>().await,
            _ => {}
        }
        self.reply("250 2.0.0 taken").await?;
        Ok(Next::Continue)
    }
}

/// Returns the address of `FROM:<…>` or `TO:<…>`.
fn path(argument: &str) -> String {
    let inner = argument.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or_else(String::new, |(address, _)| address.to_owned())
}
