//! The catalogue and the gate over small datasets.

#![expect(
    clippy::expect_used,
    reason = "helpers of tests fail like tests; the lint knows only functions marked as tests"
)]

mod actions;
mod answers;
mod catalogue;
mod concentrated;
mod context;
mod coordination;
mod endings;
mod environment;
mod gate;
mod loops;
mod prompts;
mod script;
mod support;
mod tool_use;
