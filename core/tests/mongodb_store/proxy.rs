//! A proxy that loses requests to commit, or their answers, and keeps the names of the commands that read.

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

/// What happens to `commitTransaction` commands that come through the proxy; the connection breaks with each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// Nothing.
    None,
    /// So many arrive and are carried out, and their answers are lost.
    Answers(u32),
    /// So many never arrive.
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

    /// The commands that have read since the last time.
    pub(crate) fn take_reads(&self) -> Vec<String> {
        std::mem::take(&mut *self.reads.lock().unwrap())
    }

    /// The commands since the last time, each with its comment.
    pub(crate) fn take_comments(&self) -> Comments {
        std::mem::take(&mut *self.comments.lock().unwrap())
    }

    /// What is still to be lost.
    pub(crate) fn outstanding(&self) -> Loss {
        *self.loss.lock().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Copies messages both ways until a connection ends. A connection of the driver has one request under way at a time.
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

/// The name of the command of an OP_MSG: after a header of 16 bytes, four of flags, one of the kind of section and four of the
/// document's length, the first element of the document has it, behind its type.
fn command(request: &[u8]) -> String {
    let name = request.get(26..).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(name).into_owned()
}

/// The comment of the command of an OP_MSG.
fn comment(request: &[u8]) -> Option<String> {
    let document = request.get(21..)?;
    let length = usize::try_from(u32::from_le_bytes(document.get(..4)?.try_into().ok()?)).ok()?;
    let document = RawDocument::from_bytes(document.get(..length)?).ok()?;
    document.get_str("comment").ok().map(str::to_owned)
}

/// One message of the wire protocol, which begins with its length.
async fn message(from: &mut (impl AsyncReadExt + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; 4];
    from.read_exact(&mut bytes).await?;
    let length = u32::from_le_bytes(bytes[..4].try_into().unwrap());
    bytes.resize(length.try_into().unwrap(), 0);
    from.read_exact(&mut bytes[4..]).await?;
    Ok(bytes)
}
