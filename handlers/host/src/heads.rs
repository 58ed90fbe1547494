//! The file with the ends of the audit trail's chains: a line each time that one has moved, and never a change.
//!
//! Whoever writes the store can write a chain anew from some event on. What stands in a file elsewhere shows that.

use std::{
    fs::OpenOptions,
    io::{self, BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use dezky::{
    Code, Error, Result,
    clock::Timestamp,
    service::Service,
    work::{
        Task,
        trail::{Head, heads},
    },
};

use crate::configuration::AuditHeads;

/// Maximum length of a line that is read.
const LONGEST: u64 = 1_024;

/// Returns the task that copies the ends of chains to the file.
pub(crate) fn task(settings: &AuditHeads) -> Task {
    let file = Arc::new(settings.file.clone());
    let written: Arc<Mutex<Option<Timestamp>>> = Arc::default();
    let summary = "copies the ends of the audit trail's chains to a file elsewhere";
    Task::every("audit-heads", summary, settings.interval, move |service| {
        let (file, written) = (Arc::clone(&file), Arc::clone(&written));
        async move { copy(&service, &file, &written).await.map(|()| false) }
    })
}

/// Appends the ends that have moved since the last copy by this process.
async fn copy(service: &Service, file: &Arc<PathBuf>, written: &Mutex<Option<Timestamp>>) -> Result<()> {
    let since = *written.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut last, mut after) = (since, None);
    loop {
        let (page, next) = heads(service, since, after).await?;
        last = last.max(page.iter().map(|head| head.sealed_at).max());
        if !page.is_empty() {
            let path = Arc::clone(file);
            let appended = tokio::task::spawn_blocking(move || append(&path, &page)).await;
            let appended = appended.map_err(|error| Error::internal(error.to_string()))?;
            appended.map_err(|error| {
                let message = format!("`{}` cannot be written: {error}", file.display());
                Error::new(Code::INVALID_SETTING, message)
            })?;
        }
        if next.is_none() {
            break;
        }
        after = next;
    }
    *written.lock().unwrap_or_else(PoisonError::into_inner) = last;
    Ok(())
}

/// Appends heads in one write, and waits until they are on the disk.
fn append(path: &Path, heads: &[Head]) -> io::Result<()> {
    let mut lines = Vec::new();
    for head in heads {
        serde_json::to_writer(&mut lines, head)?;
        lines.push(b'\n');
    }
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(&lines)?;
    file.sync_data()
}

/// Reads a file of heads line by line.
///
/// # Errors
/// When the file cannot be opened.
pub(crate) fn read(path: &Path) -> io::Result<impl Iterator<Item = std::result::Result<Head, String>>> {
    let mut reader = BufReader::new(std::fs::File::open(path)?);
    let mut number = 0_u64;
    Ok(std::iter::from_fn(move || {
        number += 1;
        let mut line = Vec::new();
        match io::Read::take(&mut reader, LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) => Some(serde_json::from_slice(&line).map_err(|_| format!("line {number} is no head of a chain"))),
            Err(error) => Some(Err(format!("line {number}: {error}"))),
        }
    }))
}
