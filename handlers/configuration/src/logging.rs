//! Log output to standard error.
//!
//! An event is always one line and cannot control a terminal, whatever its fields contain.

use std::{
    fmt::{self, Write as _},
    io::{self, IsTerminal as _, Write},
};

use dezky::{
    Result,
    plain::{Escaping, acts},
};
use tracing::field::Field;
use tracing_subscriber::{
    EnvFilter,
    field::MakeExt as _,
    fmt::{MakeWriter, format},
};

use crate::{LogFormat, LogSettings, refuse};

impl LogSettings {
    /// Starts logging, unless the process logs already. Returns whether it started.
    ///
    /// # Errors
    /// Kind `Configuration` when the filter is invalid.
    pub fn start(&self) -> Result<bool> {
        let filter = EnvFilter::try_new(&self.filter).map_err(|error| refuse(format!("the log's filter: {error}")))?;
        let builder = tracing_subscriber::fmt().with_env_filter(filter);
        let started = match self.format {
            LogFormat::Text => builder
                .with_writer(io::stderr)
                .with_ansi(io::stderr().is_terminal())
                .fmt_fields(format::debug_fn(text).delimited(" "))
                .try_init(),
            LogFormat::Json => builder
                .with_writer(JsonLines(io::stderr))
                .json()
                .flatten_event(true)
                .with_current_span(true)
                .with_span_list(false)
                .try_init(),
        };
        Ok(started.is_ok())
    }
}

/// Formats a field as text.
fn text(writer: &mut format::Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(Escaping(writer), "{value:?}"),
        name => write!(Escaping(writer), "{name}={value:?}"),
    }
}

/// Writer of JSON lines. It escapes DEL, the C1 set and direction marks, which serde leaves as they are.
struct JsonLines<M>(M);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for JsonLines<M> {
    type Writer = JsonLine<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        JsonLine(self.0.make_writer())
    }
}

/// Writes one complete line.
struct JsonLine<W>(W);

impl<W: Write> Write for JsonLine<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(line) {
            Ok(text) if text.trim_end_matches('\n').chars().any(acts) => self.0.write_all(escaped(text).as_bytes())?,
            _ => self.0.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// In JSON, all effective control characters are within strings and in the basic plane.
fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len().saturating_add(16));
    for character in line.chars() {
        if acts(character) && character != '\n' {
            // Writing to a string cannot fail.
            let _written = write!(text, "\\u{:04x}", u32::from(character));
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    const HOSTILE: &str = "a\u{1b}[2J\u{9b}31m\r\n\u{7f}b\u{202e}c\u{2028}INFO forged";

    fn said() {
        let error = dezky::Error::internal(HOSTILE);
        tracing::info!(shown = %HOSTILE, debugged = ?HOSTILE, plain = HOSTILE, %error, cause = ?error, "{HOSTILE}");
        tracing::info_span!("request", id = %HOSTILE).in_scope(|| tracing::info!("inside"));
    }

    #[test]
    fn an_event_is_one_line_of_text_whatever_its_fields_hold() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .fmt_fields(format::debug_fn(text).delimited(" "))
            .finish();
        tracing::subscriber::with_default(subscriber, said);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(!text.chars().any(|character| character != '\n' && acts(character)), "{text:?}");
        assert!(text.contains(r"shown=a\u{1b}[2J\u{9b}31m\r\n\u{7f}b\u{202e}c\u{2028}INFO forged "), "{text}");
    }

    #[test]
    fn an_event_is_one_line_of_json_that_says_the_same() {
        let kept = Kept::default();
        let writer = kept.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(JsonLines(move || writer.clone()))
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .finish();
        tracing::subscriber::with_default(subscriber, said);
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(!text.chars().any(|character| character != '\n' && acts(character)), "{text:?}");
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(
            (&first["plain"], &first["shown"], &first["message"]),
            (&HOSTILE.into(), &HOSTILE.into(), &HOSTILE.into())
        );
    }
}
