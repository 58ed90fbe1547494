//! Runs the whole suite on one edge, and records the results for a common report of all edges.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value, json};

use super::{
    Stage,
    runner::{outcomes, summary},
};

/// Folder of the suite's files.
pub const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");

/// The shared cases for one edge.
///
/// If the variable `DEZKY_TEST_CASES_REPORT` names a folder, the results are written there as `EDGE/FILE`, an object of
/// names and booleans: `scripts/cases_report.py` compares the edges.
#[derive(Debug, Clone)]
pub struct Suite {
    edge: String,
    record: Option<PathBuf>,
}

impl Suite {
    /// Creates the suite for an edge of this name, such as `lambda-sqlite`: letters, digits and `-`.
    #[must_use]
    pub fn of(edge: impl Into<String>) -> Self {
        Self { edge: edge.into(), record: std::env::var_os("DEZKY_TEST_CASES_REPORT").map(PathBuf::from) }
    }

    /// Sets the folder for the results, or disables recording.
    #[must_use]
    pub fn recording(mut self, folder: Option<PathBuf>) -> Self {
        self.record = folder;
        self
    }

    /// Runs all files, and returns the number of cases.
    ///
    /// # Errors
    /// The failures of each file, or the reason why the suite cannot be read.
    pub async fn run(&self, stage: &dyn Stage) -> Result<usize, String> {
        let (mut cases, mut reports) = (0, Vec::new());
        for file in files().map_err(|error| format!("`{SUITE}`: {error}"))? {
            match self.run_file(&file, stage).await {
                Ok(count) => cases += count,
                Err(report) => reports.push(report),
            }
        }
        if reports.is_empty() { Ok(cases) } else { Err(reports.join("\n\n")) }
    }

    /// Runs the cases of one file of the suite, such as `tenants.json`.
    ///
    /// # Errors
    /// The failures, or the reason why the file cannot be read.
    pub async fn run_file(&self, file: &str, stage: &dyn Stage) -> Result<usize, String> {
        let text = fs::read_to_string(Path::new(SUITE).join(file)).map_err(|error| format!("{file}: {error}"))?;
        let outcomes = outcomes(file, &text, stage).await?;
        if let Some(folder) = &self.record {
            let held: Map<String, Value> =
                outcomes.iter().map(|(name, outcome)| (name.clone(), json!(outcome.is_ok()))).collect();
            let folder = folder.join(&self.edge);
            fs::create_dir_all(&folder)
                .and_then(|()| fs::write(folder.join(file), Value::Object(held).to_string()))
                .map_err(|error| format!("the record `{}` cannot be written: {error}", folder.display()))?;
        }
        summary(file, &outcomes)
    }
}

/// Returns the names of all files, sorted.
fn files() -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(SUITE)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".json") {
            files.push(name);
        }
    }
    files.sort();
    if files.is_empty() { Err(io::Error::other("there are no cases")) } else { Ok(files) }
}
