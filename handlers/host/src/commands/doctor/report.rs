//! Findings and their output.

use std::io::{Write as _, stdout};

use dezky::plain::Plain;
use serde::Serialize;

use crate::failure::Failure;

/// Severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    /// No problem.
    Ok,
    /// A working state that needs attention.
    Warning,
    /// A failure.
    Error,
}

/// A finding.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
    level: Level,
    /// Subject of the check, such as `store` or `issuer default`.
    check: String,
    message: String,
    /// Advice; absent when there is no problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// All findings.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

#[derive(Serialize)]
struct Document<'a> {
    healthy: bool,
    findings: &'a [Finding],
}

impl Report {
    /// Adds a finding without a problem.
    pub(super) fn ok(&mut self, check: &str, message: impl Into<String>) {
        self.add(Level::Ok, check, &message.into(), None);
    }

    /// Adds a warning.
    pub(super) fn warning(&mut self, check: &str, message: &str, advice: &str) {
        self.add(Level::Warning, check, message, Some(advice));
    }

    /// Adds an error.
    pub(super) fn error(&mut self, check: &str, message: &str, advice: &str) {
        self.add(Level::Error, check, message, Some(advice));
    }

    fn add(&mut self, level: Level, check: &str, message: &str, advice: Option<&str>) {
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        self.0.push(Finding {
            level,
            check: check.to_owned(),
            message: one_line(message),
            advice: advice.map(one_line),
        });
    }

    /// Prints all findings.
    ///
    /// # Errors
    /// When a finding is an error: exit code 1.
    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        let errors = self.0.iter().filter(|finding| finding.level == Level::Error).count();
        let mut output = stdout().lock();
        if json {
            let document = Document { healthy: errors == 0, findings: &self.0 };
            let text = serde_json::to_string(&document).map_err(|error| Failure::failed(error.to_string()))?;
            writeln!(output, "{text}")?;
        } else {
            for finding in &self.0 {
                let mark = match finding.level {
                    Level::Ok => "ok     ",
                    Level::Warning => "warning",
                    Level::Error => "ERROR  ",
                };
                writeln!(output, "{mark}  {}: {}", Plain(&finding.check), Plain(&finding.message))?;
                if let Some(advice) = &finding.advice {
                    writeln!(output, "         -> {}", Plain(advice))?;
                }
            }
        }
        output.flush()?;
        match errors {
            0 => Ok(()),
            1 => Err(Failure::failed("1 finding is an error")),
            many => Err(Failure::failed(format!("{many} findings are errors"))),
        }
    }
}
