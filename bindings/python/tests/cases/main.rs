//! Runs the shared cases through the package: a Python process converts every line to a request to the ASGI
//! application, and every answer to a line. With the argument `sync` a server (uvicorn) serves that of `Dezky` over a
//! socket; with `async` that of `AsyncDezky` is called through the transport of httpx.
//!
//! `DEZKY_TEST_PYTHON` names the program (default: `python3`), `DEZKY_TEST_STORES` the stores (default:
//! `sqlite,mongodb`). `scripts/python-package.sh` builds the native module, with the feature `test-kit`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The workspace's test run has no package: `scripts/test-python.sh` builds it and runs this.
    let mode = std::env::args().nth(1).unwrap_or_else(|| "async".to_owned());
    dezky_embedded::test_kit::run_cases(&format!("python-{mode}"), || {
        let program = std::env::var("DEZKY_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut command = tokio::process::Command::new(program);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/edge.py")).arg(&mode);
        command
    })
}
