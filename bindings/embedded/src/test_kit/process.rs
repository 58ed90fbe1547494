//! A process that answers lines of JSON with lines of JSON.

use std::{
    collections::HashMap,
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
    sync::{mpsc, oneshot},
};

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// The process, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Other {
    _process: Child,
    lines: mpsc::UnboundedSender<String>,
    waiting: Waiting,
    last: AtomicU64,
}

impl Other {
    pub(super) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let (mut input, output) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (lines, mut said) = mpsc::unbounded_channel::<String>();
        tokio::spawn(async move {
            while let Some(line) = said.recv().await {
                input.write_all(line.as_bytes()).await.unwrap();
            }
        });
        let waiting = Waiting::default();
        let answers = Arc::clone(&waiting);
        tokio::spawn(async move {
            let mut output = BufReader::new(output).lines();
            while let Ok(Some(line)) = output.next_line().await {
                let answer: Value = serde_json::from_str(&line).unwrap();
                let sender = answers.lock().unwrap().remove(&answer["id"].as_u64().unwrap());
                sender.unwrap().send(answer).unwrap();
            }
            // Dropping the senders ends all waits, since nobody will answer.
            answers.lock().unwrap().clear();
        });
        Self { _process: process, lines, waiting, last: AtomicU64::new(0) }
    }

    /// Returns a new number.
    pub(super) fn number(&self) -> u64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Sends a line and waits for the answer.
    pub(super) async fn ask(&self, mut line: Value) -> Value {
        let (id, (sender, answer)) = (self.number(), oneshot::channel());
        self.waiting.lock().unwrap().insert(id, sender);
        line["id"] = json!(id);
        self.lines.send(format!("{line}\n")).unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(60), answer).await.expect("the process does not answer");
        let answer = answer.expect("the process has ended");
        assert!(answer.get("failed").is_none(), "{line}: {answer}");
        answer
    }

    /// Sends a line without an answer. It is lost if the process is gone.
    pub(super) fn tell(&self, line: Value) {
        let _heard = self.lines.send(format!("{line}\n"));
    }
}
