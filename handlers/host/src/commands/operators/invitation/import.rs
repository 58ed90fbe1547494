//! `dezky invitation import`: people from a file of comma-separated values.

use std::{io::Read as _, path::PathBuf};

use clap::Args;
use dezky::service::{
    access::TenantReference,
    invitations::{BulkInvitations, BulkLine, BulkOutcome, MOST_LINES},
};
use serde_json::{Map, Value, json};

use super::{
    super::session::{CommonFlags, OnceFlags, Session, settled, tenant},
    csv::rows,
};
use crate::failure::Failure;

/// Size of the largest file, in bytes.
const LARGEST_FILE: u64 = 8 * 1024 * 1024;

/// Columns, in their order where the file does not name them.
const COLUMNS: [&str; 5] = ["email", "name", "role", "language", "mailbox"];

/// Flags of `dezky invitation import`.
#[derive(Debug, Args)]
pub(crate) struct ImportFlags {
    /// Id or slug of the tenant
    tenant: String,
    /// File with a line for each person, or `-`: address, name, role, language, mailbox; a first line may name the columns
    file: PathBuf,
    #[command(flatten)]
    once: OnceFlags,
    #[command(flatten)]
    common: CommonFlags,
}

pub(super) async fn run(flags: ImportFlags) -> Result<(), Failure> {
    let people = people(&read(&flags.file)?)?;
    let session = Session::open(&flags.common)?;
    let reference = TenantReference::Id(tenant(&session, &flags.tenant).await?.id);
    let mut lines = Vec::new();
    for (part, people) in people.chunks(MOST_LINES).enumerate() {
        let target = format!("invitation import {} {part}", flags.tenant);
        let call = session.call_once(flags.once.idempotency_key.as_ref(), &target, &Value::from(people.to_vec()));
        let answer = settled(session.service.create_invitations(&call, &reference, people.to_vec()).await)?;
        let moved = |line: BulkLine| BulkLine { line: line.line + part * MOST_LINES, ..line };
        lines.extend(answer.value.lines.into_iter().map(moved));
    }
    report(&session, lines)
}

fn report(session: &Session, lines: Vec<BulkLine>) -> Result<(), Failure> {
    let created = lines.iter().filter(|line| line.outcome == BulkOutcome::Created).count();
    let refused: Vec<String> = lines
        .iter()
        .filter(|line| line.outcome == BulkOutcome::Invalid || line.outcome == BulkOutcome::NoSeat)
        .map(|line| {
            let why = line.message.clone().unwrap_or_default();
            format!("{}: {}{why}", line.line, line.field.as_ref().map(|field| format!("{field} ")).unwrap_or_default())
        })
        .collect();
    let there = lines.len() - created - refused.len();
    if session.output.is_json() {
        session.output.document(&BulkInvitations { lines })?;
    } else {
        session
            .output
            .line(&format!("{created} invited, {there} members or invited before, {} refused", refused.len()))?;
    }
    if refused.is_empty() { Ok(()) } else { Err(Failure::usage(format!("refused: {}", refused.join("; ")))) }
}

fn read(file: &PathBuf) -> Result<String, Failure> {
    let unreadable = |error: std::io::Error| Failure::usage(format!("`{}`: cannot be read ({error})", file.display()));
    let mut text = String::new();
    let length = if file.as_os_str() == "-" {
        std::io::stdin().lock().take(LARGEST_FILE + 1).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).map_err(unreadable)?.take(LARGEST_FILE + 1).read_to_string(&mut text)
    };
    match length.map_err(unreadable)? {
        length if u64::try_from(length).is_ok_and(|length| length <= LARGEST_FILE) => Ok(text),
        _ => Err(Failure::usage(format!("`{}`: is larger than 8 MiB", file.display()))),
    }
}

/// Returns the bodies of the invitations.
fn people(text: &str) -> Result<Vec<Value>, Failure> {
    let unended = |line| Failure::usage(format!("the quotes that begin on line {line} of the file never end"));
    let mut rows = rows(text).map_err(unended)?;
    let is_head = rows.first().is_some_and(|row| row.iter().any(|field| field.trim().eq_ignore_ascii_case("email")));
    let columns: Vec<String> = if is_head {
        rows.remove(0).iter().map(|field| field.trim().to_ascii_lowercase()).collect()
    } else {
        COLUMNS.map(str::to_owned).to_vec()
    };
    if let Some(unknown) = columns.iter().find(|column| !COLUMNS.contains(&column.as_str())) {
        let known = COLUMNS.join("`, `");
        let message = format!("the file has a column `{}`: use some of `{known}`", unknown.escape_debug());
        return Err(Failure::usage(message));
    }
    if rows.is_empty() {
        return Err(Failure::usage("the file names nobody"));
    }
    Ok(rows.iter().map(|row| body(&columns, row)).collect())
}

fn body(columns: &[String], row: &[String]) -> Value {
    let mut body = Map::new();
    for (column, field) in columns.iter().zip(row) {
        let field = field.trim();
        if field.is_empty() {
            continue;
        }
        let value = match (column.as_str(), field.rsplit_once('@')) {
            ("mailbox", Some((local_part, domain))) => json!({ "localPart": local_part, "domain": domain }),
            _ => field.into(),
        };
        body.insert(column.clone(), value);
    }
    Value::Object(body)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use serde_json::json;

    use super::people;

    #[test]
    fn columns_are_read_by_name_or_in_order() {
        let anna = json!({"email": "anna@example.eu", "role": "admin"});
        assert_eq!(people("role;email\nadmin;anna@example.eu\n").unwrap(), [anna]);
        let ben =
            json!({"email": "ben@example.eu", "name": "Ben", "mailbox": {"localPart": "ben", "domain": "acme.eu"}});
        assert_eq!(people("ben@example.eu,Ben,,,ben@acme.eu").unwrap(), [ben]);
        assert!(people("email,plan\nx,y").is_err());
        assert!(people("email\n").is_err());
    }
}
