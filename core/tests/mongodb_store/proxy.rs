//! A proxy that loses commit requests or their answers, and records the names of reading commands.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use mongodb::bson::RawDocument;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// The treatment of `commitTransaction` commands, each of which also breaks the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing is lost.
    None,
    /// This many are performed, and their answers are lost.
    Answers(u32),
    /// This many never arrive.
    Requests(u32),
}

/// Names of commands, each with its comment.
type Comments = Vec<(String, Option<String>)>;

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    loss: Arc<Mutex<Loss>>,
    reads: Arc<Mutex<Vec<String>>>,
    comments: Arc<Mutex<Comments>>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let loss = Arc::new(Mutex::new(Loss::None));
        let reads = Arc::new(Mutex::new(Vec::new()));
        let comments = Arc::new(Mutex::new(Vec::new()));
        let shared = (Arc::clone(&loss), Arc::clone(&reads), Arc::clone(&comments));
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (loss, reads, comments) = shared.clone();
                tokio::spawn(async move {
                    let upstream = TcpStream::connect(server).await?;
                    forward(client, upstream, &loss, &reads, &comments).await
                });
            }
        });
        Self { address, loss, reads, comments, accepting }
    }

    pub(crate) fn lose(&self, loss: Loss) {
        *self.loss.lock().unwrap() = loss;
    }

    /// Takes the reading commands since the last time.
    pub(crate) fn take_reads(&self) -> Vec<String> {
        std::mem::take(&mut *self.reads.lock().unwrap())
    }

    /// Returns the commands since the last time, each with its comment.
    pub(crate) fn take_comments(&self) -> Comments {
        std::mem::take(&mut *self.comments.lock().unwrap())
    }

    /// Returns the losses still to come.
    pub(crate) fn outstanding(&self) -> Loss {
        *self.loss.lock().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Copies messages both ways until a connection ends. The driver sends one request at a time per connection.
async fn forward(
    client: TcpStream,
    server: TcpStream,
    loss: &Mutex<Loss>,
    reads: &Mutex<Vec<String>>,
    comments: &Mutex<Comments>,
) -> std::io::Result<()> {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let swallow = AtomicBool::new(false);
    let requests = async {
        loop {
            let request = message(&mut from_client).await?;
            let command = command(&request);
            comments.lock().unwrap().push((command.clone(), comment(&request)));
            if matches!(command.as_str(), "find" | "aggregate" | "getMore" | "count" | "distinct") {
                reads.lock().unwrap().push(command);
            }
            let commits = request.windows(17).any(|bytes| bytes == b"commitTransaction");
            match commits.then(|| next(loss)).flatten() {
                None => {}
                Some(Loss::Answers(_)) => swallow.store(true, Ordering::SeqCst),
                Some(_) => return Ok(()),
            }
            to_server.write_all(&request).await?;
        }
    };
    let answers = async {
        loop {
            let answer = message(&mut from_server).await?;
            if swallow.load(Ordering::SeqCst) {
                return Ok(());
            }
            to_client.write_all(&answer).await?;
        }
    };
    tokio::select! {
        ended = requests => ended,
        ended = answers => ended,
    }
}

fn next(loss: &Mutex<Loss>) -> Option<Loss> {
    let mut loss = loss.lock().unwrap();
    let current = *loss;
    *loss = match current {
        Loss::Answers(1) | Loss::Requests(1) | Loss::None => Loss::None,
        Loss::Answers(count) => Loss::Answers(count - 1),
        Loss::Requests(count) => Loss::Requests(count - 1),
    };
    (current != Loss::None).then_some(current)
}

/// Returns the name of the command in an OP_MSG.
///
/// After a 16-byte header, four bytes of flags, one for the kind of section and four for the document's length, it is
/// the name of the document's first element, after its type.
fn command(request: &[u8]) -> String {
    let name = request.get(26..).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// Returns the comment of the command of an OP_MSG.
fn comment(request: &[u8]) -> Option<String> {
    let document = request.get(21..)?;
    let length = usize::try_from(u32::from_le_bytes(document.get(..4)?.try_into().ok()?)).ok()?;
    let document = RawDocument::from_bytes(document.get(..length)?).ok()?;
    document.get_str("comment").ok().map(str::to_owned)
}

/// Reads one message of the wire protocol, which begins with its length.
async fn message(from: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    from.read_exact(&mut bytes).await?;
    let length = u32::from_le_bytes(bytes[..4].try_into().unwrap());
    bytes.resize(length.try_into().unwrap(), 0);
    from.read_exact(&mut bytes[4..]).await?;
    Ok(bytes)
}
