//! The program from outside: arguments in; exit code, stdout, stderr and files out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail like the tests they serve")]

mod analyze;
mod broken_input;
mod encodings;
mod endpoint;
mod ingest;
#[cfg(unix)]
mod injection;
mod look;
mod misbehaving_model;
mod model;
#[cfg(unix)]
mod resuming;
mod run_log;
mod sandbox;
#[cfg(unix)]
mod shell;
mod sql;
mod telemetry;
mod truth;
mod verify;
