//! The shared cases through `fetch` of the package: a process of Node makes of every line a `Request`, and of every `Response` a
//! line.
//!
//! `DEZKY_TEST_NODE` names the program, `node` without it; `DEZKY_TEST_STORES` the stores, `sqlite,mongodb` without it. The
//! addon, with the feature `test-kit`, is where `scripts/node-package.sh` puts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The runner of all tests of the workspace has no addon: `scripts/test-node.sh` builds it and comes here.
    dezky_embedded::test_kit::run_cases("node", || {
        let program = std::env::var("DEZKY_TEST_NODE").unwrap_or_else(|_| "node".to_owned());
        let mut command = tokio::process::Command::new(program);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/edge.mjs"));
        command
    })
}
