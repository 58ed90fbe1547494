//! Runs the shared cases through `fetch` of the package: a Node process converts every line to a `Request`, and every
//! `Response` to a line.
//!
//! `DEZKY_TEST_NODE` names the program (default: `node`), `DEZKY_TEST_STORES` the stores (default: `sqlite,mongodb`).
//! `scripts/node-package.sh` builds the addon, with the feature `test-kit`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The workspace's test run has no addon: `scripts/test-node.sh` builds it and runs this.
    dezky_embedded::test_kit::run_cases("node", || {
        let program = std::env::var("DEZKY_TEST_NODE").unwrap_or_else(|_| "node".to_owned());
        let mut command = tokio::process::Command::new(program);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/edge.mjs"));
        command
    })
}
