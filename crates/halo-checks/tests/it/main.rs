//! The catalogue and the gate over small datasets.

#![expect(
    clippy::expect_used,
    reason = "helpers of tests fail like tests; the lint knows only functions marked as tests"
)]

mod answers;
mod catalogue;
mod environment;
mod gate;
mod loops;
mod script;
mod support;
mod tool_use;
