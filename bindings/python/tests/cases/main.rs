//! The shared cases through the package: a process of Python makes of every line a request to the ASGI application, and of
//! every answer a line. `sync` as its argument has a server (uvicorn) serve that of `Dezky` over a socket; `async` calls that of
//! `AsyncDezky` through the transport of httpx.
//!
//! `DEZKY_TEST_PYTHON` names the program, `python3` without it; `DEZKY_TEST_STORES` the stores, `sqlite,mongodb` without it. The native
//! module, with the feature `test-kit`, is where `scripts/python-package.sh` puts it.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The runner of all tests of the workspace has no package: `scripts/test-python.sh` builds it and comes here.
    let mode = std::env::args().nth(1).unwrap_or_else(|| "async".to_owned());
    dezky_embedded::test_kit::run_cases(&format!("python-{mode}"), || {
        let program = std::env::var("DEZKY_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let mut command = tokio::process::Command::new(program);
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/edge.py")).arg(&mode);
        command
    })
}
