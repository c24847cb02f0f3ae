//! Tests of sessions with a real worker process: ordinary code, hostile code, limits, and the tool.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail like tests; the lint knows only functions marked as tests"
)]

mod battery;
mod harness;
mod hostile;
mod sessions;
mod tool;
